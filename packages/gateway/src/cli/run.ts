import manifest from '../../package.json' with { type: 'json' };
import { closest } from '../config/closest.ts';
import { parseArguments } from './args.ts';
import { check } from './check.ts';
import type { Command, ExitStatus, Terminal } from './command.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { hashPasswordCommand } from './hash-password.ts';
import { commandHelp, overview } from './help.ts';
import { keys } from './keys.ts';
import { type Serve, serve } from './serve.ts';
import { sessions } from './sessions.ts';
import { signingKeys } from './signing-keys.ts';
import { token } from './token.ts';
import { usage } from './usage.ts';

/** Every command, in the order of the help. A new one is one file and one line here. */
export const commands = (start: Serve): readonly Command[] => [
  serve(start),
  check,
  doctor,
  explain,
  hashPasswordCommand,
  keys,
  sessions,
  signingKeys,
  token,
  usage,
];

/** What a process gives to its command line. */
export interface Surroundings {
  readonly serve: Serve;
  /** Default: the terminal of this process. */
  readonly terminal?: Terminal;
}

/** Runs `cardea` with these arguments (the name of the program left out) and gives its exit status. */
export async function runCli(argv: readonly string[], surroundings: Surroundings): Promise<ExitStatus> {
  const terminal = surroundings.terminal ?? processTerminal();
  const all = commands(surroundings.serve);
  const { stdout, stderr, version } = terminal;
  const [first, ...rest] = argv;
  const misunderstood = (message: string, hint: string): ExitStatus => {
    stderr.write(`cardea: ${message}\nTry: ${hint}\n`);
    return 2;
  };

  if (first === undefined) {
    stderr.write(overview(all, version));
    return 2;
  }
  if (first === '--version' || first === '-v') {
    stdout.write(`cardea ${version}\n`);
    return 0;
  }
  const asksForHelp = first === 'help' || first === '--help' || first === '-h';
  const name = asksForHelp ? rest[0] : first;
  if (name === undefined) {
    stdout.write(overview(all, version));
    return 0;
  }
  const command = all.find((one) => one.name === name);
  if (command === undefined) {
    const guess = closest(
      name,
      all.map((one) => one.name),
    );
    return misunderstood(
      `there is no command "${name.slice(0, 40)}"${guess === undefined ? '' : `; did you mean ${guess}?`}`,
      'cardea help',
    );
  }

  const parsed = asksForHelp ? ({ kind: 'help' } as const) : parseArguments(rest, command);
  if (parsed.kind === 'usage')
    return misunderstood(`${command.name}: ${parsed.message}`, `cardea help ${command.name}`);
  if (parsed.kind === 'help') {
    stdout.write(commandHelp(command));
    return 0;
  }
  return command.run(parsed.args, terminal);
}

const processTerminal = (): Terminal => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  version: manifest.version,
  now: Date.now,
});
