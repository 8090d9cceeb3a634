import type { LoadResult } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import type { Command } from './command.ts';
import { fileHelp, loadNamed, noFile } from './config-file.ts';
import { countText, formatProblems } from './format-problems.ts';

/** `cardea check`: everything that is wrong with a configuration, at once. */
export const check: Command = {
  name: 'check',
  summary: 'find everything that is wrong with a configuration',
  operands: ['[file]'],
  help: `Checks a configuration as "serve" would, without starting anything: its form, what its parts say about
each other, and the files, keys, certificates and secrets that it names.
${fileHelp}
Errors keep Cardea from starting; warnings do not.`,
  options: {
    json: { type: 'boolean', summary: 'print the findings as JSON' },
    production: { type: 'boolean', summary: 'refuse what is for development alone' },
    'no-files': { type: 'boolean', summary: 'look at the text only, not at the files and variables it names' },
  },
  async run(args, { stdout, stderr, ...terminal }) {
    const loaded = loadNamed(
      args,
      { stdout, stderr, ...terminal },
      { withFiles: args.options['no-files'] !== true, production: args.options['production'] === true },
    );
    if (loaded === undefined) {
      stderr.write(`cardea check: ${noFile}\n`);
      return 2;
    }
    const { name, result } = loaded;
    stdout.write(
      args.options['json'] === true
        ? json(name, result)
        : `${formatProblems(result.problems)}${summary(name, result)}\n`,
    );
    return result.kind === 'ok' ? 0 : 1;
  },
};

function summary(name: string, result: LoadResult): string {
  if (result.kind === 'wrong') return `${name}: ${countText(result.problems)}`;
  const { apps, sign_in: methods } = result.config;
  const signIn = methods.flatMap((method) =>
    Object.entries(method).flatMap(([kind, options]) => (options ? [kind] : [])),
  );
  const parts = [`apps: ${apps.map((app) => app.name).join(', ')}`, `sign-in: ${signIn.join(', ') || 'none'}`];
  const warnings = result.problems.length > 0 ? `, with ${countText(result.problems)}` : '';
  return `${name} is right${warnings} (${parts.join('; ')})`;
}

function json(name: string, result: LoadResult): string {
  const of = (severity: Problem['severity']) =>
    result.problems
      .filter((problem) => problem.severity === severity)
      .map(({ file, line, column, path, message, fix }) => ({ file, line, column, path, message, fix }));
  return `${JSON.stringify({ file: name, ok: result.kind === 'ok', errors: of('error'), warnings: of('warning') }, null, 2)}\n`;
}
