/**
 * Answers of a directory, "there is none" included, with a time for each after
 * which to ask again. An old answer is kept, and serves while nobody can be asked.
 *
 * @module
 */
export interface LookupCacheOptions {
  /** How long an answer is fresh. */
  readonly freshMs: number;
  /** How long "there is none" is fresh: shorter, because somebody may be about to add it. */
  readonly freshAbsentMs: number;
  /** Answers at most; the oldest goes first. */
  readonly maxEntries: number;
}

export interface Answer<T> {
  /** `undefined`: there is none. */
  readonly value: T | undefined;
  readonly fresh: boolean;
}

/** Remembers answers for a time, within a bound, and also that there was none. */
export class LookupCache<T> {
  readonly #options: LookupCacheOptions;
  /** In order of the answer's age. */
  readonly #entries = new Map<string, { readonly value: T | undefined; readonly time: number }>();

  constructor(options: LookupCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string, now: number): Answer<T> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const { freshMs, freshAbsentMs } = this.#options;
    const age = now - entry.time;
    return { value: entry.value, fresh: age < (entry.value === undefined ? freshAbsentMs : freshMs) };
  }

  set(key: string, value: T | undefined, now: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, time: now });
    if (this.#entries.size <= this.#options.maxEntries) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
