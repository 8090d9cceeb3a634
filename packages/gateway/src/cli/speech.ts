import type { Loaded, LoadOptions } from '../config/load.ts';
import type { Arguments, ExitStatus, Terminal } from './command.ts';
import { loadNamed, noFile } from './config-file.ts';
import { countText, formatProblems } from './format-problems.ts';

/** How a command says that it cannot do what was asked; each gives the exit status. */
export interface Speech {
  /** The command line is at fault. */
  readonly misunderstood: (message: string) => ExitStatus;
  /** What it is about is. */
  readonly failed: (message: string) => ExitStatus;
}

export const speechOf = (command: string, { stderr }: Pick<Terminal, 'stderr'>): Speech => ({
  misunderstood(message) {
    stderr.write(`cardea ${command}: ${message}\nTry: cardea help ${command}\n`);
    return 2;
  },
  failed(message) {
    stderr.write(`cardea ${command}: ${message}\n`);
    return 1;
  },
});

/** The configuration that a command is about, or its exit status when that is wrong: all problems have been said then. */
export function loadedFor(
  command: string,
  args: Arguments,
  terminal: Terminal,
  options?: Pick<LoadOptions, 'withFiles' | 'production' | 'withExpectations'>,
): Loaded | ExitStatus {
  const named = loadNamed(args, terminal, options);
  if (named === undefined) return speechOf(command, terminal).misunderstood(noFile);
  const { name, result } = named;
  if (result.kind === 'ok') return result;
  terminal.stderr.write(`${formatProblems(result.problems)}${name}: ${countText(result.problems)}\n`);
  return 1;
}

/** The verb of a command that has several, with the operands behind it; or what is wrong, also with the options that it takes. */
export function verbOf<V extends string>(
  args: Arguments,
  allowed: Readonly<Record<V, readonly string[]>>,
): { readonly verb: V; readonly args: Arguments } | string {
  const [word, ...positionals] = args.positionals;
  const verbs = Object.keys(allowed) as V[];
  const verb = verbs.find((one) => one === word);
  if (verb === undefined) return `say one of ${verbs.join(', ')}`;
  const superfluous = Object.keys(args.options).find((name) => !allowed[verb].includes(name));
  if (superfluous !== undefined) return `${verb} takes no --${superfluous}`;
  return { verb, args: { ...args, positionals } };
}
