import type { Loaded } from '../config/load.ts';
import type { Command } from './command.ts';
import { fileHelp, loadNamed, noFile } from './config-file.ts';
import { countText, formatProblems } from './format-problems.ts';

/** Runs the gateway until it is stopped. Given by the composition root, which alone knows every adapter. */
export type Serve = (loaded: Loaded) => Promise<void>;

/** `cardea serve`: checks the configuration, then runs the gateway. */
export const serve = (start: Serve): Command => ({
  name: 'serve',
  summary: 'run the gateway',
  operands: ['[file]'],
  help: `Runs the gateway in the foreground until SIGTERM or SIGINT.
${fileHelp}
Nothing is started when the configuration has an error; see "cardea check".`,
  options: {},
  async run(args, terminal) {
    const { stderr } = terminal;
    const named = loadNamed(args, terminal);
    if (named === undefined) {
      stderr.write(`cardea serve: ${noFile}\n`);
      return 2;
    }
    const { name, result } = named;
    if (result.problems.length > 0) stderr.write(formatProblems(result.problems));
    if (result.kind === 'wrong') {
      stderr.write(`${name}: ${countText(result.problems)}; nothing was started\n`);
      return 1;
    }
    try {
      await start({ config: result.config, users: result.users, files: result.files });
      return 0;
    } catch (error) {
      // A port that is taken or a disk that is full is the administrator's; all else is ours, and shows its stack.
      if (!isSystemError(error)) throw error;
      stderr.write(`cardea serve: ${error.message}\n`);
      return 1;
    }
  },
});

const isSystemError = (error: unknown): error is Error =>
  error instanceof Error && 'syscall' in error && typeof error.syscall === 'string';
