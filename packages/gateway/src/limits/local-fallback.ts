/**
 * What becomes of the limits while the store that shares them cannot be asked.
 *
 * An outage that is over soon, as when Redis is restarted, is waited for: nobody fails and no limit is exceeded. After that
 * each app has what it is configured to (`WhenUnshared`), at once and without asking, until the store is back.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { StoreUnavailable } from '../ports/store-unavailable.ts';

export interface FallbackOptions {
  /** How long an outage is waited for. */
  readonly patienceMs: number;
  /** Throws `StoreUnavailable` while it does not answer. */
  readonly ping: () => Promise<void>;
  /** Makes the store know what it has missed. Throws `StoreUnavailable` when it does not take it. */
  readonly catchUp: () => Promise<void>;
  /** Limits are not shared from now on. Must not throw. */
  readonly onUnshared: () => void;
  /** They are shared again. */
  readonly onShared: () => void;
}

/** How often an outage is looked at. */
const lookMs = 50;
/** How often one request asks the store: it may fail again just after it has come back. */
const attempts = 3;

interface Outage {
  /** Settles when it is over, or has lasted longer than anybody waits. */
  readonly waited: Promise<void>;
  readonly stopWaiting: () => void;
  readonly over: Promise<void>;
}

/** One store, and what is done without it. */
export class LocalFallback {
  readonly #options: FallbackOptions;
  #outage: Outage | undefined;
  /** The outage has lasted too long to be waited for. */
  #unshared = false;
  #closed = false;

  constructor(options: FallbackOptions) {
    this.#options = options;
  }

  /** Does something with the store, or else what is done without it. */
  async run<T>(shared: () => Promise<T>, alone: () => T): Promise<T> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (this.#outage !== undefined && !this.#unshared) await this.#outage.waited;
      if (this.#unshared) return alone();
      try {
        return await shared();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        this.#begin();
      }
    }
    return alone();
  }

  /** Does something with the store, after the outage if there is one; once more (`again`) when it cannot be told whether it was done. */
  async later(work: (again: boolean) => Promise<unknown>): Promise<void> {
    for (const again of [false, true]) {
      if (this.#outage !== undefined) await this.#outage.over;
      if (this.#closed) return;
      try {
        await work(again);
        return;
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        this.#begin();
      }
    }
  }

  /** Whether there is an outage. */
  get down(): boolean {
    return this.#outage !== undefined;
  }

  close(): void {
    this.#closed = true;
    this.#outage?.stopWaiting();
  }

  #begin(): void {
    if (this.#outage !== undefined || this.#closed) return;
    const waited = Promise.withResolvers<void>();
    const over = this.#watch(waited.resolve);
    this.#outage = { waited: waited.promise, stopWaiting: waited.resolve, over };
  }

  /** Until the store is back and knows everything. */
  async #watch(stopWaiting: () => void): Promise<void> {
    const { patienceMs, ping, catchUp, onUnshared, onShared } = this.#options;
    const giveUp = (): void => {
      if (this.#unshared || this.#closed) return;
      this.#unshared = true;
      onUnshared();
      stopWaiting();
    };
    let timer: NodeJS.Timeout | undefined = setTimeout(giveUp, patienceMs).unref();
    while (!this.#closed) {
      await delay(lookMs, undefined, { ref: false });
      try {
        await ping();
        // It answers: what is left to do takes a known time.
        clearTimeout(timer);
        timer = undefined;
        await catchUp();
        break;
      } catch {
        // Whatever it was: the store does not know what it should.
        timer ??= setTimeout(giveUp, patienceMs).unref();
      }
    }
    clearTimeout(timer);
    this.#outage = undefined;
    if (this.#unshared && !this.#closed) onShared();
    this.#unshared = false;
    stopWaiting();
  }
}
