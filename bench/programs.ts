/**
 * Programs that a benchmark starts: each on the core it belongs to, and gone when the benchmark is, however it ends.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { processTree } from './cpu.ts';

/** What is measured has a core of its own; clients and upstreams share another one. */
export type Side = 'measured' | 'around';

const measuredCore = '0';

export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Ends it and waits for the end. */
  readonly stop: () => Promise<void>;
}

export interface ProgramOptions {
  readonly side: Side;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** Starts a program with its output piped, on one core where the machine has two. */
export function startProgram(program: string, args: readonly string[], options: ProgramOptions): Program {
  const core = options.side === 'measured' ? measuredCore : '1';
  const pinned = availableParallelism() > 1 ? ['/usr/bin/taskset', '-c', core, program] : [program];
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
  if (availableParallelism() === 1) return;
  for (const each of processTree(pid)) spawnSync('/usr/bin/taskset', ['-a', '-c', '-p', measuredCore, String(each)]);
}

/** Those of these programs that this machine does not have. */
export function missingPrograms(...programs: readonly string[]): readonly string[] {
  return ['/usr/bin/setpriv', '/usr/bin/taskset', ...programs].filter((path) => !existsSync(path));
}

/** A loopback port that nobody uses at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return address.port;
}
