/** Whoever knows how many connections each address has open. */
export interface AddressCounter {
  /** Counts one more connection. False when the address has as many as it may; then nothing is counted. */
  enter(address: string): boolean;
  /** A connection that `enter` counted is closed. */
  leave(address: string): void;
}

/** How many connections each address has open, and whether it may have one more. */
export class AddressLimits implements AddressCounter {
  readonly #limit: number;
  readonly #open = new Map<string, number>();

  /** @param limit connections per address; `Infinity` counts nothing */
  constructor(limit: number) {
    this.#limit = limit;
  }

  enter(address: string): boolean {
    if (this.#limit === Number.POSITIVE_INFINITY) return true;
    const open = this.#open.get(address) ?? 0;
    if (open >= this.#limit) return false;
    this.#open.set(address, open + 1);
    return true;
  }

  leave(address: string): void {
    if (this.#limit === Number.POSITIVE_INFINITY) return;
    const open = this.#open.get(address) ?? 0;
    if (open > 1) this.#open.set(address, open - 1);
    else this.#open.delete(address);
  }

  /** Addresses that are remembered: those with open connections. */
  get size(): number {
    return this.#open.size;
  }
}
