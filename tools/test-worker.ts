/**
 * A process of `npm test`: gets the files to run one after the other, so that Node and the modules they share are loaded
 * once. What becomes of the tests `test-reporter.ts` tells.
 *
 * @module
 */
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Told } from './test-reporter.ts';

/** What `npm test` sends: a file to run, or none when there are no more. */
export interface Task {
  readonly file?: string | undefined;
}

/** If the process is still there so long after its last file it says what keeps it, and ends. */
const patienceMs = Number(process.argv[2]);
/** Each test has the time that the command line gives it. A file has no end of its own. */
const forever = 2 ** 31 - 1;

const tell = (told: Told): void => void process.send?.(told);
/** The sockets, servers, processes and so on that were open after a file, and which file that was. */
const seen = new WeakMap<object, string>();

// The runner has handlers of its own for these. Of an error that comes after the test they tell no stack.
const uncaught = (error: unknown): void =>
  tell({ kind: 'uncaught', message: String(error), stack: error instanceof Error ? (error.stack ?? '') : '' });
process.on('uncaughtExceptionMonitor', uncaught);
process.on('unhandledRejection', uncaught);

note('');
process.on('message', ({ file }: Task) => {
  if (file === undefined) leave();
  else void run(file);
});

/** Runs a file as one test, so that its hooks are its own, and so is an error while it is loaded. */
async function run(file: string): Promise<void> {
  await test(file, { timeout: forever }, async () => void (await import(pathToFileURL(file).href)));
  note(file);
}

/** Lets the process end by itself, which it does unless a test has left something open. */
function leave(): void {
  process.channel?.unref();
  setTimeout(() => {
    note('');
    const files = new Set(open().map((handle) => seen.get(handle) ?? ''));
    const resources = process.getActiveResourcesInfo().filter((kind) => kind !== 'PipeWrap');
    tell({ kind: 'open', resources, files: [...files].filter((file) => file !== '') });
    process.exit(1);
  }, patienceMs).unref();
}

/** What has not been open before belongs to this file. */
function note(file: string): void {
  for (const handle of open()) if (!seen.has(handle)) seen.set(handle, file);
}

/** Node has no public way to tell them apart. */
function open(): readonly object[] {
  return (process as unknown as { _getActiveHandles(): readonly object[] })._getActiveHandles();
}
