/** A window of time that slides, cut into pieces. */
export interface SlidingWindow {
  readonly windowMs: number;
  /** What happens in the same piece leaves the window together, at the latest moment of any of it. */
  readonly pieceMs: number;
  /** Pieces that count: those of the window, and the one that is on its way out. */
  readonly pieces: number;
}

/**
 * 240 pieces: a key needs at most 241 numbers, and under a load that never ends 240 of 241 parts of a limit are given,
 * for what has happened counts a piece longer than the window at most.
 */
export function slidingWindow(windowMs: number): SlidingWindow {
  const pieceMs = Math.max(1, Math.ceil(windowMs / 240));
  return { windowMs, pieceMs, pieces: Math.ceil(windowMs / pieceMs) + 1 };
}

/**
 * Counts what happens within a sliding window; never less than there was in any of its length. A clock that goes back stands still until
 * it has caught up; when it goes back by more than the window, counting begins anew.
 */
export class SlidingCount {
  readonly #window: SlidingWindow;
  /** Oldest first: the number of a piece and what happened in it. */
  #counts: [piece: number, count: number][] = [];
  #sum = 0;

  constructor(window: SlidingWindow) {
    this.#window = window;
  }

  /** How much there is at this time. */
  sum(now: number): number {
    this.#advance(now);
    return this.#sum;
  }

  add(count: number, now: number): void {
    const piece = this.#advance(now);
    const last = this.#counts.at(-1);
    if (last?.[0] === piece) last[1] += count;
    else this.#counts.push([piece, count]);
    this.#sum += count;
  }

  /** Takes back what was added at a time, if that still counts. */
  takeBack(count: number, addedAt: number, now: number): void {
    this.#advance(now);
    const piece = Math.floor(addedAt / this.#window.pieceMs);
    const found = this.#counts.find(([one]) => one === piece);
    if (found === undefined) return;
    const back = Math.min(count, found[1]);
    found[1] -= back;
    this.#sum -= back;
  }

  /** How long until `more` can be added without exceeding `limit`: 0 is now, `undefined` is never. */
  wait(more: number, limit: number, now: number): number | undefined {
    this.#advance(now);
    if (this.#sum + more <= limit) return 0;
    let left = this.#sum;
    for (const [piece, count] of this.#counts) {
      left -= count;
      if (left + more <= limit) return Math.max(1, (piece + this.#window.pieces) * this.#window.pieceMs - now);
    }
    return undefined;
  }

  /** What counts at this time: the beginning of each piece, and how much. */
  entries(now: number): readonly (readonly [at: number, count: number])[] {
    this.#advance(now);
    return this.#counts
      .filter(([, count]) => count > 0)
      .map(([piece, count]) => [piece * this.#window.pieceMs, count] as const);
  }

  /** Forgets what has left the window. Gives the piece in which things happen now. */
  #advance(now: number): number {
    const { pieceMs, pieces } = this.#window;
    const piece = Math.floor(now / pieceMs);
    const last = this.#counts.at(-1)?.[0] ?? piece;
    if (last - piece >= pieces) {
      this.#counts = [];
      this.#sum = 0;
      return piece;
    }
    const current = Math.max(piece, last);
    let gone = 0;
    while (gone < this.#counts.length && (this.#counts[gone]?.[0] ?? current) <= current - pieces) {
      this.#sum -= this.#counts[gone]?.[1] ?? 0;
      gone++;
    }
    if (gone > 0) this.#counts.splice(0, gone);
    return current;
  }
}
