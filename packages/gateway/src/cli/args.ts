import { parseArgs } from 'node:util';
import { closest } from '../config/closest.ts';
import type { Arguments, Command } from './command.ts';

export type ParsedArguments =
  | { readonly kind: 'ok'; readonly args: Arguments }
  | { readonly kind: 'help' }
  /** The message quotes no operand: somebody may have typed a password. */
  | { readonly kind: 'usage'; readonly message: string };

/** Reads what follows the name of a command. Unknown options and superfluous operands are refused. */
export function parseArguments(argv: readonly string[], command: Command): ParsedArguments {
  const known = Object.keys(command.options);
  const { tokens } = parseArgs({
    args: [...argv],
    options: optionTable(command),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options: Record<string, string | boolean> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    if (token.name === 'help' || token.name === 'h') return { kind: 'help' };
    const option = Object.hasOwn(command.options, token.name) ? command.options[token.name] : undefined;
    if (option === undefined) {
      const guess = closest(token.name, [...known, 'help']);
      return usage(`unknown option ${token.rawName}${guess === undefined ? '' : `; did you mean --${guess}?`}`);
    }
    if (option.type === 'boolean' && token.value !== undefined) return usage(`--${token.name} takes no value`);
    if (option.type === 'string' && token.value === undefined) return usage(`--${token.name} needs a value`);
    // The last one would win, and nobody would see it.
    if (options[token.name] !== undefined) return usage(`--${token.name} is given twice`);
    options[token.name] = token.value ?? true;
  }
  if (positionals.length > command.operands.length)
    return usage(
      command.operands.length === 0
        ? 'there is nothing to name after the command'
        : `at most ${command.operands.length} operand is taken`,
    );
  return { kind: 'ok', args: { options, positionals } };
}

const optionTable = (command: Command): Record<string, { type: 'string' | 'boolean' }> =>
  Object.fromEntries(Object.entries(command.options).map(([name, { type }]) => [name, { type }]));

const usage = (message: string): ParsedArguments => ({ kind: 'usage', message });
