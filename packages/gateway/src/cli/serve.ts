import type { Loaded } from '../config/load.ts';
import { SigningKeysError } from '../stores/signing-key-keeper.ts';
import { StateError } from '../stores/state-folder.ts';
import type { Command } from './command.ts';
import { fileHelp, loadNamed, noFile } from './config-file.ts';
import { countText, formatProblems } from './format-problems.ts';
import { isSystemError, systemErrorText } from './system-error.ts';

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
      // A port that is taken, a disk that is full or a state directory that is not right is the administrator's; all
      // else is ours, and shows its stack.
      const told = isSystemError(error) ? systemErrorText(error) : stateErrorText(error);
      if (told === undefined) throw error;
      stderr.write(`cardea serve: ${told}\n`);
      return 1;
    }
  },
});

/** Errors whose messages name the file in `state`, and what to do about it. */
const stateErrorText = (error: unknown): string | undefined =>
  error instanceof StateError || error instanceof SigningKeysError ? error.message : undefined;
