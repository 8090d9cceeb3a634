/**
 * Where authenticators that were accepted are remembered, so that none is accepted twice (RFC 4120, 3.2.3).
 *
 * @module
 */

/**
 * The port that every store of a gateway implements.
 *
 * `claim` is one atomic step in the store (`SET NX`, `INSERT OR IGNORE`): a look-up followed by a write lets two copies
 * of a token that arrive together both pass. A store that cannot answer throws; nobody is signed on then.
 */
export interface ReplayCache {
  /** True for the first caller with this key before `expiresAt` (ms since the epoch), false for every other. */
  claim(key: string, expiresAt: number): boolean | Promise<boolean>;
}

/** Thrown when every place is taken by an entry that has not expired: to forget one early would allow its replay. */
export class ReplayCacheFullError extends Error {
  override readonly name = 'ReplayCacheFullError';
}

/** The clock and the size of a `MemoryReplayCache`. */
export interface MemoryReplayCacheOptions {
  /** The clock, in ms since the epoch. */
  readonly now: () => number;
  /** How many live entries are held at most: sign-ons within ten minutes. About 200 bytes each. */
  readonly capacity?: number;
}

/** A replay cache for one process: tests, and installations with one replica and one thread. */
export class MemoryReplayCache implements ReplayCache {
  readonly #expiries = new Map<string, number>();
  readonly #now: () => number;
  readonly #capacity: number;
  #sweepAt: number;

  constructor({ now, capacity = 200_000 }: MemoryReplayCacheOptions) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError('Cannot create replay cache: capacity below 1');
    this.#now = now;
    this.#capacity = capacity;
    this.#sweepAt = Math.min(1024, capacity);
  }

  /** How many entries are held, expired ones that were not swept yet included. */
  get size(): number {
    return this.#expiries.size;
  }

  claim(key: string, expiresAt: number): boolean {
    const now = this.#now();
    const held = this.#expiries.get(key);
    if (expiresAt <= now || (held !== undefined && held > now)) return false;
    if (this.#expiries.size >= this.#sweepAt) this.#sweep(now);
    this.#expiries.set(key, expiresAt);
    return true;
  }

  /** Runs when the number of entries has doubled since the last sweep, so a claim costs constant time on average. */
  #sweep(now: number): void {
    for (const [key, expiresAt] of this.#expiries) if (expiresAt <= now) this.#expiries.delete(key);
    const live = this.#expiries.size;
    if (live >= this.#capacity)
      throw new ReplayCacheFullError(`Cannot remember sign-on: ${live} are remembered already`);
    this.#sweepAt = Math.min(Math.max(1024, live * 2), this.#capacity);
  }
}
