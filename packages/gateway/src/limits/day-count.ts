export const dayMs = 86_400_000;

/** The day of a time. Days begin at midnight UTC. */
export const dayOf = (now: number): number => Math.floor(now / dayMs);

/** How long until the day is over. */
export const untilMidnight = (now: number): number => (dayOf(now) + 1) * dayMs - now;

/**
 * Counts what happens in a day, all of which is there again at midnight UTC: people come back in the morning to a full one, which 24
 * hours that slide would keep from them until the afternoon. A clock that goes back over midnight stays in the later day.
 */
export class DayCount {
  #day = 0;
  #count = 0;

  sum(now: number): number {
    this.#advance(now);
    return this.#count;
  }

  add(count: number, now: number): void {
    this.#advance(now);
    this.#count += count;
  }

  /** Takes back what was added at a time, if that was this day. */
  takeBack(count: number, addedAt: number, now: number): void {
    this.#advance(now);
    if (dayOf(addedAt) === this.#day) this.#count = Math.max(0, this.#count - count);
  }

  /** How long until `more` can be added without exceeding `limit`: 0 is now, `undefined` is never. */
  wait(more: number, limit: number, now: number): number | undefined {
    if (this.sum(now) + more <= limit) return 0;
    return more > limit ? undefined : this.resetMs(now);
  }

  /** How long until all is there again. */
  resetMs(now: number): number {
    this.#advance(now);
    return (this.#day + 1) * dayMs - now;
  }

  #advance(now: number): void {
    const today = dayOf(now);
    if (today === this.#day || today === this.#day - 1) return;
    this.#day = today;
    this.#count = 0;
  }
}
