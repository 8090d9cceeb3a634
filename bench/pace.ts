/**
 * A steady rate: how many of something are due, when so many have been done. What was missed is caught up with, so that
 * a slow server gets the same load as a fast one.
 */
export class Pace {
  readonly #perMs: number;
  #done = 0;

  constructor(perSecond: number) {
    this.#perMs = perSecond / 1_000;
  }

  /** How many to do now, so many milliseconds after the start. They count as done. */
  due(elapsedMs: number): number {
    const due = Math.max(0, Math.floor(elapsedMs * this.#perMs) - this.#done);
    this.#done += due;
    return due;
  }
}

/** Calls `one` at a steady rate for so long; a timer's tick of a millisecond is the finest that it knows. */
export function atPace(perSecond: number, seconds: number, one: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const pace = new Pace(perSecond);
  const startedAt = performance.now();
  const timer = setInterval(() => {
    try {
      const elapsed = performance.now() - startedAt;
      for (let left = pace.due(Math.min(elapsed, seconds * 1_000)); left > 0; left--) one();
      if (elapsed < seconds * 1_000) return;
      clearInterval(timer);
      resolve();
    } catch (error) {
      clearInterval(timer);
      reject(error);
    }
  }, 1);
  return promise;
}
