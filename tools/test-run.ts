/**
 * Runs test files in a few processes (`test-worker.ts`) and says what became of each.
 *
 * @module
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Ending, type FileResult, TestRecord } from './test-record.ts';
import type { Told } from './test-reporter.ts';
import type { Task } from './test-worker.ts';

export interface RunOptions {
  /** Processes at the same time. */
  readonly processes: number;
  /** A file that has a process of its own, which ends after it. The others share them. */
  readonly isAlone: (file: string) => boolean;
  /** For each test. */
  readonly timeoutMs: number;
  /** A process that says nothing for so long is stopped. */
  readonly silenceMs?: number;
  /** A process that is still there so long after its last file is stopped. */
  readonly patienceMs?: number;
}

const worker = fileURLToPath(new URL('test-worker.ts', import.meta.url));
const reporter = new URL('test-reporter.ts', import.meta.url).href;

/** Runs the files, in their order, and tells of each when it has ended. */
export async function runFiles(
  files: readonly string[],
  options: RunOptions,
  told: (result: FileResult) => void,
): Promise<void> {
  const waiting = [...files];
  const processes = Array.from({ length: options.processes }, async () => {
    for (let first = waiting.shift(); first !== undefined; first = waiting.shift())
      await runProcess(first, options.isAlone(first) ? () => undefined : takeShared, options, told);
  });
  await Promise.all(processes);

  function takeShared(): string | undefined {
    const next = waiting.findIndex((file) => !options.isAlone(file));
    return next < 0 ? undefined : waiting.splice(next, 1)[0];
  }
}

/** Runs files in one process: the first, and then one more each time that `next` has one. */
async function runProcess(
  first: string,
  next: () => string | undefined,
  { timeoutMs, silenceMs = timeoutMs + 60_000, patienceMs = 30_000 }: RunOptions,
  told: (result: FileResult) => void,
): Promise<void> {
  // Within a test of this very file it is a run of its own all the same.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const execArgv = [
    `--test-reporter=${reporter}`,
    `--test-timeout=${timeoutMs}`,
    '--disable-warning=ExperimentalWarning',
  ];
  const child = fork(worker, [String(patienceMs)], { execArgv, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const record = new TestRecord(first);
  let heard = performance.now();
  let isStuck = false;

  for (const output of [child.stdout, child.stderr])
    output?.setEncoding('utf8').on('data', (text: string) => record.print(text));
  child.on('message', (message) => {
    heard = performance.now();
    if (!record.hear(message as Told)) return;
    const file = next();
    // What became of the last one is known when the process has ended.
    if (file !== undefined) told(record.begin(file));
    give(file);
  });
  give(first);
  // No test takes longer than it may, but one may never let go of the process.
  const look = setInterval(() => {
    isStuck ||= performance.now() - heard > silenceMs;
    if (isStuck) child.kill('SIGKILL');
  }, 500);
  const ending = await new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  clearInterval(look);
  for (const result of record.end(isStuck ? { ...ending, silentMs: silenceMs } : ending)) told(result);

  function give(file: string | undefined): void {
    // One that is not there any more is found out about when it closes.
    child.send({ file } satisfies Task, () => undefined);
  }
}
