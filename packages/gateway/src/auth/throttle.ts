/**
 * Slows guessing: counts attempts per key within a window, and refuses when there
 * were too many. Attempts count when they begin, so that a hundred parallel guesses
 * do not all pass before the first has failed.
 *
 * @module
 */
export interface ThrottleOptions {
  /** Attempts allowed within the window. */
  readonly limit: number;
  readonly windowMs: number;
  /** Keys remembered at most; the oldest window is forgotten first. */
  readonly maxKeys: number;
}

/** Counts attempts per key within a window of time, for a bounded number of keys. */
export class Throttle {
  readonly #options: ThrottleOptions;
  /** In order of the window's beginning. */
  readonly #windows = new Map<string, { readonly start: number; count: number }>();

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#windows.size;
  }

  /** How long this key has to wait, in milliseconds; 0 when it may try. */
  wait(key: string, now: number): number {
    const window = this.#current(key, now);
    if (window === undefined || window.count < this.#options.limit) return 0;
    return window.start + this.#options.windowMs - now;
  }

  /** Notes the beginning of an attempt. */
  begin(key: string, now: number): void {
    const window = this.#current(key, now);
    if (window !== undefined) {
      window.count++;
      return;
    }
    this.#windows.set(key, { start: now, count: 1 });
    if (this.#windows.size <= this.#options.maxKeys) return;
    for (const oldest of this.#windows.keys()) {
      this.#windows.delete(oldest);
      return;
    }
  }

  /** Takes back one attempt that has succeeded or was never made. A key without any is forgotten, and pushes no other out. */
  forgive(key: string): void {
    const window = this.#windows.get(key);
    if (window === undefined) return;
    window.count--;
    if (window.count <= 0) this.#windows.delete(key);
  }

  /** Forgets a key, as after its owner has proven who they are. */
  clear(key: string): void {
    this.#windows.delete(key);
  }

  #current(key: string, now: number): { readonly start: number; count: number } | undefined {
    const window = this.#windows.get(key);
    if (window === undefined || now - window.start < this.#options.windowMs) return window;
    this.#windows.delete(key);
    return undefined;
  }
}
