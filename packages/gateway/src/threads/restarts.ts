/**
 * When a thread that has died is started again. One that dies soon after its start
 * waits longer each time; one that cannot even start is given up after a few
 * attempts, because the next attempt would find the same.
 *
 * @module
 */

export interface RestartPolicy {
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** Who lived so long has not died of its start: the count begins again. */
  readonly soundMs: number;
  /** Starts in a row that may fail. */
  readonly failedStarts: number;
}

/** The longest delay is short, so that whoever finds a way to make threads die gains little. Eight starts take a quarter of a minute. */
export const usualRestarts: RestartPolicy = {
  firstDelayMs: 100,
  longestDelayMs: 5_000,
  soundMs: 60_000,
  failedStarts: 8,
};

/** The history of one thread's place. */
export class Restarts {
  readonly #policy: RestartPolicy;
  #early = 0;
  #failedStarts = 0;

  constructor(policy: RestartPolicy) {
    this.#policy = policy;
  }

  /** A thread that served has died: how long to wait before the next start. */
  died(livedMs: number): number {
    this.#failedStarts = 0;
    this.#early = livedMs >= this.#policy.soundMs ? 1 : this.#early + 1;
    return this.#delay(this.#early);
  }

  /** A start has failed: how long to wait before the next one, or `undefined` when there is no point in it. */
  failedToStart(): number | undefined {
    this.#failedStarts++;
    if (this.#failedStarts >= this.#policy.failedStarts) return undefined;
    return this.#delay(this.#failedStarts);
  }

  #delay(count: number): number {
    const { firstDelayMs, longestDelayMs } = this.#policy;
    return Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(count - 1, 20));
  }
}
