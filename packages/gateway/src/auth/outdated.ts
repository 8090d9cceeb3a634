import { SessionCache } from './session-cache.ts';

/** People at most. Whoever is forgotten is as if nobody had said anything: what is remembered of them ends by its own time. */
const maxPeople = 20_000;

/**
 * People whose groups were seen to have changed: whatever was remembered about them until then is to be asked again, by all
 * that remember something in this thread.
 */
export class Outdated {
  readonly #until: SessionCache<number>;

  /** @param keepMs how long anything about a person is remembered at most */
  constructor(keepMs: number) {
    this.#until = new SessionCache({ maxEntries: maxPeople, maxAgeMs: keepMs });
  }

  /** What was found out about this person at `at` or before is not to be used. */
  note(subject: string, at: number): void {
    const known = this.#until.get(subject, at) ?? Number.NEGATIVE_INFINITY;
    this.#until.set(subject, Math.max(known, at), Number.POSITIVE_INFINITY, at);
  }

  /** Whether something about this person that was found out at `foundAt` is not to be used. */
  covers(subject: string, foundAt: number, now: number): boolean {
    if (this.#until.size === 0) return false;
    const until = this.#until.get(subject, now);
    return until !== undefined && foundAt <= until;
  }
}
