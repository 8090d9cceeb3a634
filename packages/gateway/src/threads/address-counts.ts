/**
 * How many connections each client address has open, over all threads: asked at every
 * accept, so it is memory that the threads share and not a question to another thread.
 *
 * Each thread counts in a part of its own, which is cleared when the thread dies. The
 * counters are a count-min sketch (Cormode and Muthukrishnan, 2005): an address has one
 * counter in each of two rows, at places that a secret of this process decides, and its
 * number is the smaller of the two sums. A sum may also hold others' connections, so that a
 * limit is never exceeded; that both places of an address are crowded by others is
 * rare, and nobody outside can bring it about without the secret.
 *
 * @module
 */
import { createHmac, randomBytes } from 'node:crypto';

const rows = 2;
/** Places in one row; a power of two. */
const width = 1 << 16;

/** What the threads share; it may be handed to them as it is. */
export interface SharedCounts {
  readonly memory: SharedArrayBuffer;
  readonly secret: Uint8Array;
}

/** Room for so many threads. 512 KiB for each. */
export const sharedCounts = (threads: number): SharedCounts => ({
  memory: new SharedArrayBuffer(threads * rows * width * Uint32Array.BYTES_PER_ELEMENT),
  secret: randomBytes(16),
});

const part = ({ memory }: SharedCounts, thread: number): Uint32Array =>
  new Uint32Array(memory, thread * rows * width * Uint32Array.BYTES_PER_ELEMENT, rows * width);

/** The connections of a thread that has died are gone. */
export const forgetThread = (counts: SharedCounts, thread: number): void => void part(counts, thread).fill(0);

/** Counts for one thread, and looks at all. */
export class AddressCounts {
  readonly #limit: number;
  readonly #secret: Uint8Array;
  readonly #own: Uint32Array;
  readonly #all: readonly Uint32Array[];
  /** Places of the addresses that are connected here, so that each is worked out once. */
  readonly #known = new Map<string, { readonly places: readonly number[]; open: number }>();

  constructor(counts: SharedCounts, thread: number, limit: number) {
    this.#limit = limit;
    this.#secret = counts.secret;
    const threads = counts.memory.byteLength / (rows * width * Uint32Array.BYTES_PER_ELEMENT);
    this.#all = Array.from({ length: threads }, (_, i) => part(counts, i));
    this.#own = part(counts, thread);
  }

  /** Counts one more connection. False when the address has as many as it may; then nothing is counted. */
  enter(address: string, limit = this.#limit): boolean {
    const known = this.#known.get(address) ?? { places: this.#places(address), open: 0 };
    // Counted first, compared then: of two threads at the same moment neither can miss the other.
    for (const place of known.places) Atomics.add(this.#own, place, 1);
    if (this.#sum(known.places) > limit) {
      for (const place of known.places) Atomics.sub(this.#own, place, 1);
      return false;
    }
    known.open++;
    this.#known.set(address, known);
    return true;
  }

  /** A connection that `enter` counted is closed. */
  leave(address: string): void {
    const known = this.#known.get(address);
    if (known === undefined) return;
    for (const place of known.places) Atomics.sub(this.#own, place, 1);
    known.open--;
    if (known.open === 0) this.#known.delete(address);
  }

  #sum(places: readonly number[]): number {
    let least = Number.POSITIVE_INFINITY;
    for (const place of places) {
      let sum = 0;
      for (const counters of this.#all) sum += Atomics.load(counters, place);
      least = Math.min(least, sum);
    }
    return least;
  }

  #places(address: string): readonly number[] {
    const digest = createHmac('sha256', this.#secret).update(address).digest();
    return Array.from({ length: rows }, (_, row) => row * width + (digest.readUInt32LE(row * 4) & (width - 1)));
  }
}
