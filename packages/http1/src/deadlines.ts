/** Something that may be late. */
export interface Timed {
  /** Looks whether a deadline has passed. Called again and again; it may leave the set meanwhile. */
  check(now: number): void;
}

/**
 * One timer for all deadlines of an engine: it looks at everybody a few times per shortest limit, so that a request
 * costs no timer of its own. A limit is kept to within two looks, never early.
 */
export class Deadlines {
  readonly timed: Set<Timed> = new Set();
  /** Milliseconds, as of the last look; it only grows. */
  now: number;
  readonly everyMs: number;
  readonly #clock: () => number;
  readonly #timer: NodeJS.Timeout;

  /** @param shortestMs the shortest limit that is to be kept */
  constructor(shortestMs: number, clock: () => number) {
    this.#clock = clock;
    this.now = clock();
    this.everyMs = Math.min(1_000, Math.max(20, shortestMs / 4));
    this.#timer = setInterval(() => this.look(), this.everyMs);
    // Sockets keep a process alive; looking at them does not.
    this.#timer.unref();
  }

  /** The moment at which a limit that starts now is over. `now` may be one look old, so one is added. */
  after(limitMs: number): number {
    return this.now + this.everyMs + limitMs;
  }

  look(): void {
    this.now = this.#clock();
    for (const timed of this.timed) timed.check(this.now);
  }

  close(): void {
    clearInterval(this.#timer);
    this.timed.clear();
  }
}
