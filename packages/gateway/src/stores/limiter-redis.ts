/**
 * Limits in Redis, shared by all replicas; one script for each request.
 *
 * This process keeps account of what it has granted itself. From that, a Redis that was emptied is told what has been used and what
 * is in progress before it grants anything (`redis-life.ts`), and so is one that comes back. What another process had
 * granted before it died, and an emptied Redis has forgotten, starts over.
 *
 * All keys begin with the prefix in braces, like all others of Cardea: one hash slot, so that a script may use them together.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { untilMidnight } from '../limits/day-count.ts';
import { type HeldLease, Ledger } from '../limits/ledger.ts';
import { LocalFallback } from '../limits/local-fallback.ts';
import { slidingWindow } from '../limits/sliding-count.ts';
import type { Acquired, AcquireRequest, LimitCheck, Limiter, LimitName } from '../ports/limiter.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { acquireLua, releaseLua, renewLua, restoreLua } from './limiter-redis-scripts.ts';
import type { RedisLife } from './redis-life.ts';
import type { RedisConnection } from './redis.ts';

export interface RedisLimiterOptions {
  readonly redis: RedisConnection;
  readonly life: RedisLife;
  /** Milliseconds since the epoch; used where Redis cannot be asked. */
  readonly now: () => number;
  /** How long an outage is waited for before the limits are those of this process; default 3 s. */
  readonly patienceMs?: number;
  /** Once, when an outage lasts longer. Must not throw. */
  readonly onUnshared: () => void;
  readonly onShared: () => void;
  /** For tests: a minute of another length, and a clock in the place of that of Redis. */
  readonly minuteMs?: number;
  readonly redisTime?: () => number;
}

type Kind = 'r' | 'c' | 't' | 'd';

interface KeyedLimit {
  readonly key: string;
  readonly limit: LimitName;
  readonly kind: Kind;
  readonly allowed: number;
}

const atOnce = 200;

/** Limits on `redis`, which stays open when the limiter is closed. */
export function redisLimiter(options: RedisLimiterOptions): Limiter {
  const { redis, life, now, patienceMs = 3_000, onUnshared, onShared, minuteMs = 60_000, redisTime } = options;
  const { pieceMs, pieces } = slidingWindow(minuteMs);
  const acquire = redis.script(acquireLua);
  const release = redis.script(releaseLua);
  const renew = redis.script(renewLua);
  const restore = redis.script(restoreLua);
  const ledger = new Ledger(minuteMs);
  /** What was granted without Redis, and it has not been told. */
  let untold: Ledger[] = [];
  /** Redis is back, and perhaps has not been told everything. */
  let back: { readonly awayMs: number; readonly settled: Promise<void> } | undefined;
  /** How often everything was written to an emptied Redis. */
  let lives = 0;
  /** Redis's clock minus that of this machine, as it last was. */
  let ahead = 0;
  const fallback = new LocalFallback({ patienceMs, ping: () => redis.ping(), catchUp, onUnshared, onShared });

  const clock = (): readonly number[] => [redisTime?.() ?? -1, pieceMs, pieces];
  const estimate = (): number => redisTime?.() ?? now() + ahead;
  const nameOf = (app: string, key: string, kind: Kind): string =>
    redis.key(`limit:${app}:${createHash('sha256').update(key).digest('base64url').slice(0, 22)}:${kind}`);

  // While Redis was away leases have run out there whose requests went on. All say so when it is back; who holds none might be quicker.
  redis.onBack((awayMs) => {
    const settled = new Promise<void>((resolve) => setTimeout(resolve, life.settleMs).unref());
    const latest = { awayMs, settled };
    back = latest;
    void settled.then(() => {
      if (back === latest) back = undefined;
    });
    void fallback.later(() => renewAll(ledger.held(estimate())));
  });

  async function ask(request: AcquireRequest): Promise<Acquired> {
    const { app, checks, lease, leaseMs, tokens } = request;
    const limits = checks.flatMap(limitsOf);
    if (back !== undefined && back.awayMs > leaseMs / 2 && limits.some(({ kind }) => kind === 'c')) await back.settled;
    const keys = [life.key, ...limits.map(({ key, kind }) => nameOf(app, key, kind))];
    const rest = [lease, leaseMs, tokens, ...limits.flatMap(({ kind, allowed }) => [kind, allowed])];
    for (let attempt = 0; attempt < 2; attempt++) {
      const [result, time = 0, ...numbers] = readNumbers(
        await acquire(keys, [...clock(), await life.settled(), ...rest]),
      );
      if (result === -1) {
        life.saw(''); // not the life it was: find out, and tell it what there is
        continue;
      }
      ahead = time - now();
      if (result === 0) return refused(limits[(numbers[0] ?? 0) - 2], numbers[1] ?? -1);
      ledger.take(request, time);
      return { granted: true, left: limits.map((limit, i) => leftOf(limit, numbers[i] ?? 0, time)), unshared: false };
    }
    throw new StoreUnavailable('Cannot count for the limits: Redis has lost its memory twice');
  }

  function decideAlone(request: AcquireRequest): Acquired {
    const { whenUnshared = 'local' } = request;
    if (whenUnshared === 'refuse') throw new StoreUnavailable('Limits cannot be shared: Redis cannot be used');
    const time = estimate();
    let answer: Acquired = { granted: true, left: [], unshared: true };
    if (whenUnshared === 'local') answer = { ...ledger.acquire(request, time), unshared: true };
    else ledger.take(request, time);
    if (!answer.granted) return answer;
    if (untold.length === 0) untold = [new Ledger(minuteMs)];
    untold.at(-1)?.take(request, time);
    return answer;
  }

  /** Tells Redis what was counted here. */
  async function tell(book: Ledger, held: readonly HeldLease[]): Promise<void> {
    const time = estimate();
    const counts = book.accounts().flatMap(({ app, key, requests, tokens, day }) => [
      { name: nameOf(app, key, 'r'), kind: 'r', entries: requests.entries(time) },
      { name: nameOf(app, key, 't'), kind: 't', entries: tokens.entries(time) },
      { name: nameOf(app, key, 'd'), kind: 'd', entries: day.sum(time) > 0 ? [[time, day.sum(time)] as const] : [] },
    ]);
    const told = counts.filter(({ entries }) => entries.length > 0);
    for (let i = 0; i < told.length; i += atOnce)
      await Promise.all(
        told
          .slice(i, i + atOnce)
          .map(({ name, kind, entries }) => restore([name], [...clock(), kind, ...entries.flat()])),
      );
    await renewAll(held);
  }

  async function renewAll(held: readonly HeldLease[]): Promise<void> {
    const groups = Map.groupBy(held, ({ leaseMs }) => leaseMs);
    for (const [leaseMs, leases] of groups)
      for (let i = 0; i < leases.length; i += atOnce) {
        const names = new Map<string, number>();
        const args = leases.slice(i, i + atOnce).flatMap(({ app, checks, lease }) =>
          checks.flatMap(({ key, concurrent }) => {
            if (concurrent === undefined) return [];
            const name = nameOf(app, key, 'c');
            const place = names.get(name) ?? names.size + 1;
            names.set(name, place);
            return [place, lease];
          }),
        );
        if (names.size > 0) await renew([...names.keys()], [...clock(), leaseMs, ...args]);
      }
  }

  life.onNewLife(async () => {
    lives++;
    untold = [];
    await tell(ledger, ledger.held(estimate()));
  });

  async function catchUp(): Promise<void> {
    // It may have been restarted: then the whole of the ledger is told, and this takes as long as a life takes to settle.
    life.saw('');
    await life.settled();
    for (;;) {
      untold = untold.filter((one) => one.accounts().length > 0);
      const [book] = untold;
      if (book === undefined) break;
      // What is granted from now on goes into another one.
      untold = [...untold, new Ledger(minuteMs)];
      await tell(book, []);
      untold = untold.filter((one) => one !== book);
    }
    await renewAll(ledger.held(estimate()));
    // A Redis may answer and yet take nothing.
    await redis.run((client) => client.set(redis.key('limit-probe'), '1', 'PX', 10_000));
  }

  async function end(held: HeldLease, more: number, life: number): Promise<void> {
    if (life !== lives) return; // Redis was told what was left of it
    const limits = held.checks.flatMap(limitsOf).filter(({ kind }) => kind !== 'r');
    if (limits.length === 0) return;
    const keys = limits.map(({ key, kind }) => nameOf(held.app, key, kind));
    await release(keys, [...clock(), held.lease, held.at, more, ...limits.map(({ kind }) => kind)]);
  }

  return {
    acquire: (request) =>
      fallback.run(
        () => ask(request),
        () => decideAlone(request),
      ),
    async renew(leases, leaseMs) {
      const held = ledger.renew(leases, leaseMs, estimate());
      // While Redis is down nobody needs to be told; it is when it is back.
      if (!fallback.down) await fallback.later(() => renewAll(held));
    },
    async release(lease, { tokens }) {
      const time = estimate();
      const held = ledger.release(lease, tokens, time);
      if (held === undefined) return;
      const untoldOf = untold.some((book) => book.release(lease, tokens, time) !== undefined);
      const life = lives;
      const more = untoldOf ? 0 : (tokens ?? held.tokens) - held.tokens;
      // What may have been counted before is better counted twice than taken back twice.
      await fallback.later((again) => end(held, again ? Math.max(0, more) : more, life));
    },
    close: () => fallback.close(),
  };
}

/** In this order they are counted, and told of. */
const limitsOf = ({ key, requestsPerMinute, concurrent, tokensPerMinute, tokensPerDay }: LimitCheck): KeyedLimit[] => [
  ...(requestsPerMinute === undefined
    ? []
    : [{ key, limit: 'requests-per-minute', kind: 'r', allowed: requestsPerMinute } as const]),
  ...(concurrent === undefined ? [] : [{ key, limit: 'concurrent', kind: 'c', allowed: concurrent } as const]),
  ...(tokensPerMinute === undefined
    ? []
    : [{ key, limit: 'tokens-per-minute', kind: 't', allowed: tokensPerMinute } as const]),
  ...(tokensPerDay === undefined ? [] : [{ key, limit: 'tokens-per-day', kind: 'd', allowed: tokensPerDay } as const]),
];

function refused(limit: KeyedLimit | undefined, waitMs: number): Acquired {
  if (limit === undefined) throw new TypeError('Cannot read answer of Redis: it names no limit');
  const { key, limit: name, allowed } = limit;
  return {
    granted: false,
    key,
    limit: name,
    allowed,
    retryAfterMs: waitMs === -1 ? undefined : waitMs,
    unshared: false,
  };
}

const leftOf = ({ key, limit, kind, allowed }: KeyedLimit, used: number, time: number) => ({
  key,
  limit,
  allowed,
  left: Math.max(0, allowed - used),
  ...(kind === 'd' ? { resetMs: untilMidnight(time) } : {}),
});

function readNumbers(answer: unknown): readonly number[] {
  if (!Array.isArray(answer)) throw new TypeError('Cannot read answer of Redis: it is no list');
  return answer.map(Number);
}
