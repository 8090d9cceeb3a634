export interface RelayOptions<T> {
  /** Hands items over; resolves when they are taken. */
  readonly deliver: (items: readonly T[]) => Promise<void>;
  /** What one is, and several are, at the beginning of a message. */
  readonly one: string;
  readonly several: string;
  /** Told when some were lost. Must not throw. */
  readonly onTrouble: (message: string) => void;
  /** Items that wait at most; default 10,000. Further ones are dropped and counted. */
  readonly maxWaiting?: number;
}

/** Hands items over to where they are kept. */
export interface Relay<T> {
  /** Returns at once. */
  add(item: T): void;
  /** Resolves when everything has been handed over. */
  close(): Promise<void>;
}

/** Hands items over at once while nobody is behind, and in one parcel whatever has come while the last one was under way. */
export function relay<T>({ deliver, one, several, onTrouble, maxWaiting = 10_000 }: RelayOptions<T>): Relay<T> {
  let waiting: T[] = [];
  let dropped = 0;
  let underWay: Promise<void> | undefined;
  let closed = false;

  async function deliverAll(): Promise<void> {
    while (waiting.length > 0) {
      const parcel = waiting;
      waiting = [];
      try {
        await deliver(parcel);
      } catch (error) {
        onTrouble(`${several} lost: ${parcel.length}: ${error instanceof Error ? error.message : 'unknown error'}`);
      }
      if (dropped > 0) onTrouble(`${several} lost: ${dropped}, because ${maxWaiting} were waiting already`);
      dropped = 0;
    }
    underWay = undefined;
  }

  return {
    add(item) {
      if (closed) return onTrouble(`${one} lost: the log is closed`);
      if (waiting.length >= maxWaiting) {
        dropped++;
        return;
      }
      waiting.push(item);
      underWay ??= deliverAll();
    },

    async close() {
      closed = true;
      await underWay;
    },
  };
}
