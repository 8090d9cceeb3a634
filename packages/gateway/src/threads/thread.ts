import { Worker } from 'node:worker_threads';
import { Channel } from './channel.ts';

export interface ThreadOptions {
  /** The module that the thread runs. */
  readonly entry: URL;
  /** What it finds as `workerData`. */
  readonly data: unknown;
  /** As debuggers and the operating system show it. */
  readonly name: string;
  /** Its own heap; a thread that needs more ends, and nobody else. */
  readonly heapMb: number;
}

/** A thread that was started. It may still be loading. */
export interface Thread {
  readonly channel: Channel;
  /** Resolves when it has ended, whatever the cause, with the cause in words. Never rejects. */
  readonly ended: Promise<string>;
  /** Ends it at once, also when it hangs. `why` becomes the cause, where it has not ended before. */
  terminate(why?: string): Promise<void>;
}

/** Starts a thread. Services that it may call must be offered on its channel before anything is awaited. */
export function startThread({ entry, data, name, heapMb }: ThreadOptions): Thread {
  const worker = new Worker(entry, { workerData: data, name, resourceLimits: { maxOldGenerationSizeMb: heapMb } });
  const channel = new Channel(worker);
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  let cause: string | undefined;
  worker.once('error', (error: unknown) => (cause = causeOf(error)));
  worker.once('exit', (code) => {
    const words = cause ?? `it ended with status ${code}`;
    channel.close(`The thread has ended: ${words}`);
    resolve(words);
  });
  return {
    channel,
    ended,
    terminate: async (why) => {
      cause ??= why;
      await worker.terminate();
    },
  };
}

/** With the stack: it is a bug of ours, and the place of it is all there is to go by. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return `uncaught: ${String(error)}`;
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'out of memory';
  return `uncaught: ${error.stack ?? error.message}`;
}
