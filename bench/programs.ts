/**
 * Programs that a benchmark starts: each on the core it belongs to, and gone when the benchmark is, however it ends.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { waitForPort } from '../lab/ports.ts';
import { coresOf, type Side } from './cores.ts';
import { processTree } from './cpu.ts';

export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Ends it and waits for the end. */
  readonly stop: () => Promise<void>;
}

/** A program that listens on a loopback port. */
export interface Server extends Program {
  readonly port: number;
}

export interface ProgramOptions {
  readonly side: Side;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** Starts a program with its output piped, on the cores of its side. */
export function startProgram(program: string, args: readonly string[], options: ProgramOptions): Program {
  const cores = coresOf(options.side, availableParallelism());
  const pinned = cores === undefined ? [program] : ['/usr/bin/taskset', '-c', cores, program];
  // Both of these become the program, so its number is that of the child.
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'TERM', ...pinned, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const ended = once(child, 'exit');
  const { pid } = child;
  if (pid === undefined) throw new Error(`Cannot start ${program}`);
  return {
    pid,
    child,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(patience);
    },
  };
}

/** Starts a program that will listen on this loopback port, and waits until it does. */
export async function startServer(
  program: string,
  args: readonly string[],
  { port, ...options }: ProgramOptions & { readonly port: number },
): Promise<Server> {
  const started = startProgram(program, args, options);
  let said = '';
  for (const stream of [started.child.stdout, started.child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_000)));
  if (!(await waitForPort('127.0.0.1', port, () => started.child.exitCode !== null, 10_000))) {
    await started.stop();
    throw new Error(`Cannot start ${program}:\n${said}`);
  }
  return { ...started, port };
}

/** Runs a program to its end and gives its standard output. Throws when it fails or takes longer than `timeoutMs`. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions & { readonly input?: string; readonly timeoutMs: number },
): Promise<string> {
  const { child } = startProgram(program, args, options);
  let output = '';
  let complaints = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  child.stdin?.on('error', () => {}); // a program that ends early says so by its status
  child.stdin?.end(options.input ?? '');
  const patience = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
  const [status] = await once(child, 'close');
  clearTimeout(patience);
  if (status !== 0)
    throw new Error(`Cannot run ${program}: status ${String(status)}\n${(complaints + output).slice(-2_000)}`);
  return output;
}

/** Puts a program that somebody else has started, with everything it has started, on the core of what is measured. */
export function pinToMeasuredCore(pid: number): void {
  const cores = coresOf('measured', availableParallelism());
  if (cores === undefined) return;
  for (const each of processTree(pid)) spawnSync('/usr/bin/taskset', ['-a', '-c', '-p', cores, String(each)]);
}

/** Those of these programs that this machine does not have. */
export function missingPrograms(...programs: readonly string[]): readonly string[] {
  return ['/usr/bin/setpriv', '/usr/bin/taskset', ...programs].filter((path) => !existsSync(path));
}
