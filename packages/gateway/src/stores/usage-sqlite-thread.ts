/**
 * A thread that answers one question about usage and ends: sums over a million records take seconds, in which
 * the thread that asks goes on serving.
 *
 * @module
 */
import { DatabaseSync } from 'node:sqlite';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { UsageAnswer, UsageQuestion } from '../ports/usage.ts';
import { queryUsage } from './usage-sqlite-query.ts';

interface Task {
  readonly task: 'usage';
  readonly path: string;
  readonly question: UsageQuestion;
}

/** Asks the database in this file, in a thread. Throws `StoreUnavailable`, also when `signal` fires before there is an answer. */
export async function askUsageInThread(
  path: string,
  question: UsageQuestion,
  signal: AbortSignal,
): Promise<UsageAnswer> {
  const task: Task = { task: 'usage', path, question };
  const worker = new Worker(new URL(import.meta.url), { workerData: task, name: 'cardea-usage' });
  const { promise, resolve, reject } = Promise.withResolvers<UsageAnswer>();
  const fail = (why: string): void => reject(new StoreUnavailable(`Cannot ask the database: ${why}`));
  const giveUp = (): void => fail('nobody waits for the answer any more');
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  worker.once('message', resolve);
  worker.once('error', (error: unknown) => fail(error instanceof Error ? error.message : 'unknown error'));
  worker.once('exit', () => fail('its thread has ended'));
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', giveUp);
    void worker.terminate();
  }
}

const isTask = (data: unknown): data is Task =>
  typeof data === 'object' && data !== null && 'task' in data && data.task === 'usage';

if (!isMainThread && isTask(workerData)) {
  const database = new DatabaseSync(workerData.path, { readOnly: true });
  database.exec('PRAGMA busy_timeout = 2000');
  parentPort?.postMessage(queryUsage(database, workerData.question), []);
  database.close();
}
