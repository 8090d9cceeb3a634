import type { Command } from './command.ts';

/** The list of commands. */
export function overview(commands: readonly Command[], version: string): string {
  const width = Math.max(...commands.map(({ name }) => name.length), 'help [command]'.length) + 2;
  const line = (name: string, summary: string): string => `  ${name.padEnd(width)}${summary}\n`;
  return [
    `Cardea ${version}: an identity-aware gateway for company networks\n\n`,
    'Usage: cardea <command> [options]\n\n',
    ...commands.map(({ name, summary }) => line(name, summary)),
    line('help [command]', 'what a command does'),
    line('--version', 'the version'),
    '\nExit status: 0 all well, 1 a finding, 2 the command was not understood; of doctor also 3, something is unknown.\n',
  ].join('');
}

/** One command in full. */
export function commandHelp({ name, operands, help, options }: Command): string {
  const rows = [...Object.entries(options), ['help', { type: 'boolean', summary: 'this text' }] as const].map(
    ([option, { type, value, summary }]: readonly [string, Command['options'][string]]) =>
      [`--${option}${type === 'string' ? ` <${value ?? 'value'}>` : ''}`, summary] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    `Usage: cardea ${[name, ...operands, '[options]'].join(' ')}\n\n`,
    `${help.trim()}\n\n`,
    ...rows.map(([left, summary]) => `  ${left.padEnd(width)}${summary}\n`),
  ].join('');
}
