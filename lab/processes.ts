/**
 * Programs that the lab runs: to their end with `run`, or in the background with a pid file.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { environment } from './files.ts';

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Given to the program on standard input. */
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly cwd?: string;
}

export interface RunResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever that is. Killed when it takes longer than `timeoutMs` (60 s). */
export function attempt(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
  const child = spawn(program, args, {
    env: environment(options.env),
    timeout: options.timeoutMs ?? 60_000,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.on('error', reject).on('close', (status) => resolve({ status, stdout, stderr }));
  child.stdin.on('error', () => {}); // a program that ends early reports that by its status
  child.stdin.end(options.input ?? '');
  return promise;
}

/** Runs a program that must succeed and returns its standard output. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await attempt(program, args, options);
  if (status === 0) return stdout;
  const said = lastLines(stderr.trim() === '' ? stdout : stderr, 20);
  throw new Error(`Cannot run ${program}: it ended with status ${status ?? 'none (killed)'}:\n${said}`);
}

/** The last lines of a program's log file, for error messages. */
export function tail(file: string, lines = 20): string {
  try {
    return lastLines(readFileSync(file, 'utf8'), lines);
  } catch {
    return '(no log)';
  }
}

const lastLines = (text: string, count: number): string => text.trimEnd().split('\n').slice(-count).join('\n');

/** Starts a program that outlives this one, with its output in `log`, and notes it in `pidFile`. */
export function startDaemon(program: string, args: readonly string[], pidFile: string, log: string): void {
  const output = openSync(log, 'w');
  try {
    const stdio = ['ignore', output, output] as const;
    const child = spawn(program, args, { env: environment(), detached: true, stdio: [...stdio], cwd: '/' });
    child.on('error', () => {}); // told apart by `isRunning`
    child.unref();
    if (child.pid !== undefined) writeFileSync(pidFile, `${child.pid} ${startTime(child.pid)}\n`);
  } finally {
    closeSync(output);
  }
}

/** Does the program of this pid file still run? A process that merely inherited the number does not count. */
export function isRunning(pidFile: string): boolean {
  return readPid(pidFile) !== undefined;
}

/** Stops the program of this pid file with its children and waits for its end; nothing happens when there is none. */
export async function stopDaemon(pidFile: string, timeoutMs = 10_000): Promise<void> {
  const pid = readPid(pidFile);
  if (pid !== undefined) {
    signalGroup(pid, 'SIGTERM');
    const deadline = Date.now() + timeoutMs;
    while (readPid(pidFile) !== undefined && Date.now() < deadline) await delay(25);
    if (readPid(pidFile) !== undefined) signalGroup(pid, 'SIGKILL');
  }
  rmSync(pidFile, { force: true });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal); // started detached, so it leads its own group
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function readPid(pidFile: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(pidFile, 'utf8');
  } catch {
    return undefined;
  }
  const [pid = '', started = ''] = text.trim().split(' ');
  return started !== '' && startTime(Number(pid)) === started ? Number(pid) : undefined;
}

/** When a process began, in the kernel's ticks: tells two processes with the same number apart. Empty when it is gone. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
