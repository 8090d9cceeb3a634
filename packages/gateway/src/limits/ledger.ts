/**
 * Limits as one process counts them. Pure: times come in, nothing goes out.
 *
 * @module
 */
import type { Acquired, AcquireRequest, LimitCheck, LimitLeft, LimitName, LimitRefusal } from '../ports/limiter.ts';
import { DayCount } from './day-count.ts';
import { SlidingCount, type SlidingWindow, slidingWindow } from './sliding-count.ts';

/** What a limit that only a request in progress can free lets people wait: nobody knows when that ends. */
export const concurrentRetryMs = 1_000;

/** A grant of which something is still to come: its end, or its tokens. */
export interface HeldLease {
  readonly lease: string;
  readonly app: string;
  readonly checks: readonly LimitCheck[];
  readonly tokens: number;
  readonly leaseMs: number;
  /** When it was granted, in the time of whoever granted it. */
  readonly at: number;
  /** When it ends unless it is renewed. */
  readonly deadline: number;
}

/** What is counted of one key in one app. */
export interface Account {
  readonly app: string;
  readonly key: string;
  readonly requests: SlidingCount;
  readonly tokens: SlidingCount;
  readonly day: DayCount;
  /** Deadlines by lease. */
  readonly leases: Map<string, number>;
}

const sweepEvery = 1_024;
/** Times that come by way of another machine are not in order. */
const clockJitterMs = 1_000;

/** Its memory is bounded by the keys that were used in the last minute, or today where tokens are counted by day. */
export class Ledger {
  readonly #window: SlidingWindow;
  readonly #accounts = new Map<string, Account>();
  readonly #held = new Map<string, HeldLease>();
  #sinceSweep = 0;
  #lastNow = 0;

  /** `minuteMs`: for tests, which have less time. */
  constructor(minuteMs = 60_000) {
    this.#window = slidingWindow(minuteMs);
  }

  /** Counts a request if all of its checks have room, else nothing. */
  acquire(request: AcquireRequest, now: number): Acquired {
    this.#follow(now);
    const refusal = this.#refusal(request, now);
    if (refusal !== undefined) return refusal;
    this.take(request, now);
    return { granted: true, left: this.#left(request, now), unshared: false };
  }

  /** Counts a request that somebody else has granted, or that nothing limits. */
  take({ app, checks, lease, leaseMs, tokens }: AcquireRequest, now: number): void {
    const deadline = now + leaseMs;
    this.#held.set(lease, { lease, app, checks, tokens, leaseMs, at: now, deadline });
    for (const check of checks) {
      const account = this.#account(app, check.key);
      if (check.requestsPerMinute !== undefined) account.requests.add(1, now);
      if (check.tokensPerMinute !== undefined && tokens > 0) account.tokens.add(tokens, now);
      if (check.tokensPerDay !== undefined && tokens > 0) account.day.add(tokens, now);
      if (check.concurrent !== undefined) putLast(account.leases, lease, deadline);
    }
    if (++this.#sinceSweep >= sweepEvery) this.sweep(now);
  }

  /** Renews leases that are held here; gives those. */
  renew(leases: readonly string[], leaseMs: number, now: number): readonly HeldLease[] {
    this.#follow(now);
    const deadline = now + leaseMs;
    return leases.flatMap((lease) => {
      const held = this.#held.get(lease);
      if (held === undefined) return [];
      const renewed = { ...held, deadline };
      this.#held.set(lease, renewed);
      for (const { key, concurrent } of held.checks)
        if (concurrent !== undefined) putLast(this.#account(held.app, key).leases, lease, deadline);
      return [renewed];
    });
  }

  /** Ends a lease and counts its tokens as they were. Gives what it was. */
  release(lease: string, tokens: number | undefined, now: number): HeldLease | undefined {
    const held = this.#held.get(lease);
    if (held === undefined) return undefined;
    this.#held.delete(lease);
    const more = (tokens ?? held.tokens) - held.tokens;
    for (const { key, tokensPerMinute, tokensPerDay } of held.checks) {
      const account = this.#account(held.app, key);
      account.leases.delete(lease);
      for (const count of [
        ...(tokensPerMinute === undefined ? [] : [account.tokens]),
        ...(tokensPerDay === undefined ? [] : [account.day]),
      ])
        if (more > 0) count.add(more, now);
        else if (more < 0) count.takeBack(-more, held.at, now);
    }
    return held;
  }

  /** Leases that have not ended. */
  held(now: number): readonly HeldLease[] {
    return [...this.#held.values()].filter(({ deadline }) => deadline > now);
  }

  accounts(): readonly Account[] {
    return [...this.#accounts.values()];
  }

  /** Forgets leases that have ended, and keys of which nothing counts any more. */
  sweep(now: number): void {
    this.#sinceSweep = 0;
    // Whoever is late with the end of a request is still told what it was, so that its tokens count as they were.
    for (const { lease, deadline } of this.#held.values())
      if (deadline + this.#window.windowMs <= now) this.#held.delete(lease);
    for (const [name, { requests, tokens, day, leases }] of this.#accounts) {
      endLeases(leases, now);
      if (leases.size + requests.sum(now) + tokens.sum(now) + day.sum(now) === 0) this.#accounts.delete(name);
    }
  }

  /** When the clock has gone back, leases end as much earlier, so that those of the dead do not last longer. */
  #follow(now: number): void {
    const back = this.#lastNow - now;
    if (back > 0 && back < clockJitterMs) return;
    this.#lastNow = now;
    if (back <= 0) return;
    for (const [lease, held] of this.#held) this.#held.set(lease, { ...held, deadline: held.deadline - back });
    for (const { leases } of this.#accounts.values())
      for (const [lease, deadline] of leases) leases.set(lease, deadline - back);
  }

  #refusal({ app, checks, tokens }: AcquireRequest, now: number): LimitRefusal | undefined {
    let worst: LimitRefusal | undefined;
    const see = (key: string, limit: LimitName, allowed: number, retryAfterMs: number | undefined): void => {
      if (retryAfterMs === 0) return;
      const longest = worst === undefined ? 0 : (worst.retryAfterMs ?? Number.POSITIVE_INFINITY);
      if ((retryAfterMs ?? Number.POSITIVE_INFINITY) <= longest) return;
      worst = { granted: false, key, limit, allowed, retryAfterMs, unshared: false };
    };
    // A request whose tokens nobody knows before still needs room for one.
    const need = Math.max(1, tokens);
    for (const { key, requestsPerMinute: rpm, concurrent, tokensPerMinute: tpm, tokensPerDay: tpd } of checks) {
      const account = this.#account(app, key);
      if (rpm !== undefined) see(key, 'requests-per-minute', rpm, account.requests.wait(1, rpm, now));
      if (concurrent !== undefined) {
        endLeases(account.leases, now);
        see(key, 'concurrent', concurrent, account.leases.size < concurrent ? 0 : concurrentRetryMs);
      }
      if (tpm !== undefined) see(key, 'tokens-per-minute', tpm, account.tokens.wait(need, tpm, now));
      if (tpd !== undefined) see(key, 'tokens-per-day', tpd, account.day.wait(need, tpd, now));
    }
    return worst;
  }

  #left({ app, checks }: AcquireRequest, now: number): readonly LimitLeft[] {
    return checks.flatMap(({ key, requestsPerMinute: rpm, concurrent, tokensPerMinute: tpm, tokensPerDay: tpd }) => {
      const { requests, tokens, day, leases } = this.#account(app, key);
      const one = (limit: LimitName, allowed: number | undefined, used: number, resetMs?: number): LimitLeft[] =>
        allowed === undefined
          ? []
          : [{ key, limit, allowed, left: Math.max(0, allowed - used), ...(resetMs === undefined ? {} : { resetMs }) }];
      return [
        ...one('requests-per-minute', rpm, requests.sum(now)),
        ...one('concurrent', concurrent, leases.size),
        ...one('tokens-per-minute', tpm, tokens.sum(now)),
        ...one('tokens-per-day', tpd, day.sum(now), day.resetMs(now)),
      ];
    });
  }

  #account(app: string, key: string): Account {
    const name = `${app} ${key}`; // the name of an app has no space
    let account = this.#accounts.get(name);
    if (account === undefined) {
      const { requests, tokens } = { requests: new SlidingCount(this.#window), tokens: new SlidingCount(this.#window) };
      account = { app, key, requests, tokens, day: new DayCount(), leases: new Map() };
      this.#accounts.set(name, account);
    }
    return account;
  }
}

/** Oldest deadline first, as long as all leases are as long as each other. */
function putLast(leases: Map<string, number>, lease: string, deadline: number): void {
  leases.delete(lease);
  leases.set(lease, deadline);
}

/** Forgets those that have ended. One behind another that ends later waits for that. */
function endLeases(leases: Map<string, number>, now: number): void {
  for (const [lease, deadline] of leases) {
    if (deadline > now) return;
    leases.delete(lease);
  }
}
