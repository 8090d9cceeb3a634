/**
 * Turns at the token endpoint: anybody can begin a sign-in and come back with a code of his own invention, and a provider
 * takes its time to refuse it. Each address gets a few turns at a time, so that one cannot hold up all others.
 *
 * @module
 */
import { Turnstile } from '../turnstile.ts';
import { ProviderUnavailable } from './refusal.ts';

/** An office behind one address begins its day at the same time: many may wait, few are under way. */
const defaults = { atATime: 4, waiting: 60 } as const;

/** Limits what one address has under way. */
export class ExchangeTurns {
  readonly #limits: { readonly atATime: number; readonly waiting: number };
  readonly #addresses = new Map<string, { readonly turnstile: Turnstile; users: number }>();

  constructor(limits: { readonly atATime: number; readonly waiting: number } = defaults) {
    this.#limits = limits;
  }

  /** Addresses that are remembered: those with something under way. */
  get size(): number {
    return this.#addresses.size;
  }

  /** Runs `work` when it is this address's turn. Throws `ProviderUnavailable` at once when too much of it waits already. */
  async run<T>(address: string, work: () => Promise<T>): Promise<T> {
    const { atATime, waiting } = this.#limits;
    const entry = this.#addresses.get(address) ?? { turnstile: new Turnstile(atATime, waiting), users: 0 };
    entry.users++;
    this.#addresses.set(address, entry);
    try {
      const done = await entry.turnstile.run(work);
      if (done === undefined)
        throw new ProviderUnavailable('Cannot ask provider: too many sign-ins of this address are under way', 5_000);
      return done.value;
    } finally {
      entry.users--;
      if (entry.users === 0) this.#addresses.delete(address);
    }
  }
}
