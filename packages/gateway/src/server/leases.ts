import type { Limiter } from '../ports/limiter.ts';

/** What a request has used, as `Limiter.release` wants it. */
export interface Used {
  readonly tokens?: number | undefined;
}

/** Renewed so many times within its length: two renewals may fail. */
const renewals = 3;

/** Keeps the leases of requests in progress, in one thread, and gives each back once. */
export class Leases {
  readonly #limiter: Pick<Limiter, 'renew' | 'release'>;
  /** By their length, each with the timer that renews them. */
  readonly #held = new Map<number, { readonly leases: Set<string>; readonly timer: NodeJS.Timeout }>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(limiter: Pick<Limiter, 'renew' | 'release'>) {
    this.#limiter = limiter;
  }

  /** Leases that are held now. */
  get size(): number {
    let sum = 0;
    for (const { leases } of this.#held.values()) sum += leases.size;
    return sum;
  }

  /** Renews a lease of `leaseMs`, which has just been given, until it is released. */
  hold(lease: string, leaseMs: number): void {
    let held = this.#held.get(leaseMs);
    if (held === undefined) {
      const leases = new Set<string>();
      const timer = setInterval(() => void this.#limiter.renew([...leases], leaseMs), leaseMs / renewals);
      held = { leases, timer: timer.unref() };
      this.#held.set(leaseMs, held);
    }
    held.leases.add(lease);
  }

  /** Gives a lease back; its place is taken until it is known what was used. */
  release(lease: string, leaseMs: number, used: Used | Promise<Used>): void {
    if (!(used instanceof Promise)) return this.#follow(this.#give(lease, leaseMs, used));
    const known = used.catch((): Used => ({}));
    this.#follow(known.then((settled) => this.#give(lease, leaseMs, settled)));
  }

  /** Resolves when all that was released has been given back. What is still held then ends by itself. */
  async close(): Promise<void> {
    for (const { timer } of this.#held.values()) clearInterval(timer);
    this.#held.clear();
    await Promise.all(this.#underWay);
  }

  #give(lease: string, leaseMs: number, used: Used): void | Promise<void> {
    const held = this.#held.get(leaseMs);
    held?.leases.delete(lease);
    if (held?.leases.size === 0) {
      clearInterval(held.timer);
      this.#held.delete(leaseMs);
    }
    return this.#limiter.release(lease, used);
  }

  #follow(done: void | Promise<void>): void {
    if (!(done instanceof Promise)) return;
    this.#underWay.add(done);
    void done.finally(() => this.#underWay.delete(done));
  }
}
