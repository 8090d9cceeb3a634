/**
 * A number of threads that do the same work. When one dies the others go on, and it is
 * started again.
 *
 * @module
 */
import { type RestartPolicy, Restarts } from './restarts.ts';

/** A thread that does its work. */
export interface Member {
  /** Resolves when it has ended, with the cause in words. Never rejects. */
  readonly ended: Promise<string>;
}

export interface CrewOptions<M extends Member> {
  readonly size: number;
  /** Resolves when the thread does its work; rejects, with nothing left behind, when it cannot. Places count from 0. */
  readonly start: (place: number) => Promise<M>;
  /** A thread has died that did its work. */
  readonly onDeath: (place: number, cause: string) => void;
  /** A thread could not be started again. */
  readonly onFailedStart: (place: number, error: unknown) => void;
  /** A thread works again. */
  readonly onRestart: (place: number) => void;
  /** Starting a thread again has failed too often: somebody has to look. */
  readonly onGivenUp: (error: unknown) => void;
  readonly policy: RestartPolicy;
}

/** Keeps the threads going until it is told to stop. */
export class Crew<M extends Member> {
  readonly #options: CrewOptions<M>;
  readonly #members: (M | undefined)[];
  readonly #restarts: readonly Restarts[];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #starting = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: CrewOptions<M>) {
    this.#options = options;
    this.#members = Array.from({ length: options.size }, () => undefined);
    this.#restarts = Array.from({ length: options.size }, () => new Restarts(options.policy));
  }

  /** Starts the first thread, and then the others together. Rejects when one of them cannot be started; those that were remain. */
  async start(): Promise<void> {
    await this.#enlist(0);
    const others = Array.from({ length: this.#options.size - 1 }, (_, i) => this.#enlist(i + 1));
    const outcomes = await Promise.allSettled(others);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Those that work now, with their places. */
  members(): readonly { readonly place: number; readonly member: M }[] {
    return this.#members.flatMap((member, place) => (member === undefined ? [] : [{ place, member }]));
  }

  /** Starts none any more. Resolves when no start is under way; those that work are the caller's to end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await Promise.all(this.#starting);
  }

  async #enlist(place: number): Promise<void> {
    const member = await this.#options.start(place);
    const since = performance.now();
    this.#members[place] = member;
    void member.ended.then((cause) => this.#onEnded(place, cause, performance.now() - since));
  }

  #onEnded(place: number, cause: string, livedMs: number): void {
    this.#members[place] = undefined;
    if (this.#stopped) return;
    this.#options.onDeath(place, cause);
    this.#startLater(place, this.#restarts[place]?.died(livedMs) ?? 0);
  }

  #startLater(place: number, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const starting = this.#startAgain(place).finally(() => this.#starting.delete(starting));
      this.#starting.add(starting);
    }, delayMs);
    this.#timers.add(timer);
  }

  async #startAgain(place: number): Promise<void> {
    const { onRestart, onFailedStart, onGivenUp } = this.#options;
    try {
      await this.#enlist(place);
      onRestart(place);
    } catch (error) {
      if (this.#stopped) return;
      onFailedStart(place, error);
      const delayMs = this.#restarts[place]?.failedToStart();
      if (delayMs === undefined) onGivenUp(error);
      else this.#startLater(place, delayMs);
    }
  }
}
