/** To so many milliseconds. */
const grainMs = 250;

/**
 * What is to be looked at when, for tens of thousands: in buckets of a quarter of a second, so that putting off, which happens
 * at each look, costs the same however many there are. Never early; late by a bucket at most.
 */
export class Schedule<T> {
  readonly #buckets = new Map<number, Set<T>>();
  readonly #places = new Map<T, number>();
  /** No bucket is before this one. */
  #first = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#places.size;
  }

  /** At `at`, and not when it was before. */
  set(item: T, at: number): void {
    this.delete(item);
    const place = Math.ceil(at / grainMs);
    const bucket = this.#buckets.get(place) ?? new Set();
    bucket.add(item);
    this.#buckets.set(place, bucket);
    this.#places.set(item, place);
    this.#first = Math.min(this.#first, place);
  }

  delete(item: T): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    const bucket = this.#buckets.get(place);
    bucket?.delete(item);
    if (bucket?.size === 0) this.#buckets.delete(place);
  }

  /** Takes out what is due, the earliest first, and no more than `max`. */
  due(now: number, max: number): readonly T[] {
    const last = Math.floor(now / grainMs);
    const found: T[] = [];
    if (this.#places.size === 0) this.#first = Number.POSITIVE_INFINITY;
    // Whatever the clock has done: no further than there are buckets, or than there is time.
    while (this.#first <= last && found.length < max && this.#places.size > 0) {
      const bucket = this.#buckets.get(this.#first);
      if (bucket === undefined) {
        this.#first = this.#next(last);
        continue;
      }
      for (const item of bucket) {
        if (found.length === max) return found;
        found.push(item);
        this.delete(item);
      }
      this.#first++;
    }
    return found;
  }

  /** Where to look after an empty bucket: at the next one, or past a gap that is wider than it takes to find its end. */
  #next(last: number): number {
    if (last - this.#first <= this.#buckets.size) return this.#first + 1;
    let next = last + 1;
    for (const place of this.#buckets.keys()) next = Math.min(next, place);
    return next;
  }
}
