export interface BatchOptions<T> {
  /** Writes these: all of them, or none and throws. Never called twice at a time. */
  readonly write: (batch: readonly T[]) => void | Promise<void>;
  /** What they are, at the beginning of a message: `Usage records`. */
  readonly what: string;
  /** Told when some were lost or cannot be written yet. Must not throw. */
  readonly onTrouble: (message: string) => void;
  /** Items that wait at most; default 10,000. Further ones are dropped and counted. */
  readonly maxWaiting?: number;
  /** From the first item to its writing; default 100 ms. */
  readonly delayMs?: number;
  /** Items written at once; default 200. */
  readonly batchSize?: number;
  /** After a failure; doubled up to 30 s. Default 1 s. */
  readonly retryMs?: number;
}

/** Collects items and writes them many at a time. */
export interface Batches<T> {
  add(item: T): void;
  /** Writes what waits, once; what cannot be written is lost, and said. */
  close(): Promise<void>;
}

const longestRetryMs = 30_000;

/**
 * A bounded buffer before something that is slow or sometimes away. What cannot be written waits, in its order, and is tried
 * again; what comes while the buffer is full is lost, and how much that was is said.
 */
export function batches<T>(options: BatchOptions<T>): Batches<T> {
  const { write, what, onTrouble, maxWaiting = 10_000, delayMs = 100, batchSize = 200, retryMs = 1_000 } = options;
  const waiting: T[] = [];
  let dropped = 0;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  let closed = false;

  async function writeBatch(): Promise<void> {
    const batch = waiting.slice(0, batchSize);
    await write(batch);
    waiting.splice(0, batch.length);
  }

  async function flush(): Promise<void> {
    try {
      await writeBatch();
      failures = 0;
    } catch (error) {
      if (failures++ === 0) onTrouble(`${what} cannot be written and wait: ${reason(error)}`);
    }
    sayDropped();
    writing = undefined;
    if (waiting.length > 0 && !closed)
      schedule(failures === 0 ? 0 : Math.min(longestRetryMs, retryMs * 2 ** (failures - 1)));
  }

  function schedule(afterMs: number): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      writing = flush();
    }, afterMs);
  }

  function sayDropped(): void {
    if (dropped > 0) onTrouble(`${what} lost: ${dropped}, because ${maxWaiting} were waiting already`);
    dropped = 0;
  }

  return {
    add(item) {
      if (closed) return onTrouble(`${what} lost: 1, because the store is closed`);
      if (waiting.length >= maxWaiting) {
        dropped++;
        return;
      }
      waiting.push(item);
      if (writing !== undefined) return;
      if (waiting.length === batchSize && failures === 0) {
        clearTimeout(timer);
        timer = undefined;
        schedule(0); // a full batch need not wait, but whoever filled it must not pay for it
      } else {
        schedule(delayMs);
      }
    },

    async close() {
      closed = true;
      clearTimeout(timer);
      timer = undefined;
      await writing;
      try {
        while (waiting.length > 0) await writeBatch();
      } catch (error) {
        onTrouble(`${what} lost: ${waiting.length}: ${reason(error)}`);
        waiting.length = 0;
      }
      sayDropped();
    },
  };
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : 'unknown error');
