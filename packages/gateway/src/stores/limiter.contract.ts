/** What every implementation of `Limiter` promises. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Acquired, AcquireRequest, LimitCheck, Limiter, LimitName } from '../ports/limiter.ts';

const minute = 60_000;
const day = 86_400_000;
/** Ten in the morning, UTC. */
const morning = Date.UTC(2026, 10, 23, 10);

/** A limiter with a clock that tests turn. */
export interface LimiterForTests {
  readonly limiter: Limiter;
  readonly clock: { now: number };
}

/** Sets up one with nothing counted, at `now`. */
export type MakeLimiter = (now: number) => LimiterForTests | Promise<LimiterForTests>;

/** What every limiter promises. `make` gives an empty one. */
export function limiterContract(name: string, make: MakeLimiter, runs = 100): void {
  const open = async () => {
    const { limiter, clock } = await make(morning);
    const key = `person:${randomUUID()}`;
    const ask = async (limits: Omit<LimitCheck, 'key'>, more: Partial<AcquireRequest> = {}): Promise<Acquired> =>
      limiter.acquire({
        app: 'llm',
        checks: [{ key, ...limits }],
        lease: randomUUID(),
        leaseMs: 30_000,
        tokens: 0,
        ...more,
      });
    return { limiter, clock, key, ask };
  };

  test(`${name} grants so many requests within any minute, also at the same time`, async () => {
    const { clock, ask } = await open();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask({ requestsPerMinute: 5 })));
    assert.equal(answers.filter(({ granted }) => granted).length, 5);
    clock.now += minute;
    assert.equal((await ask({ requestsPerMinute: 5 })).granted, false);
    clock.now += 250;
    assert.equal((await ask({ requestsPerMinute: 5 })).granted, true);
  });

  test(`${name} tells how long to wait, and grants then`, async () => {
    const { clock, key, ask } = await open();
    await ask({ requestsPerMinute: 2 });
    clock.now += 20_000;
    await ask({ requestsPerMinute: 2 });
    const refusal = await ask({ requestsPerMinute: 2 });
    assert.ok(!refusal.granted && refusal.retryAfterMs !== undefined);
    assert.deepEqual(
      { ...refusal, retryAfterMs: 0 },
      {
        granted: false,
        key,
        limit: 'requests-per-minute',
        allowed: 2,
        retryAfterMs: 0,
        unshared: false,
      },
    );
    assert.ok(refusal.retryAfterMs >= 40_000 && refusal.retryAfterMs <= 40_250, String(refusal.retryAfterMs));
    clock.now += refusal.retryAfterMs - 1;
    assert.equal((await ask({ requestsPerMinute: 2 })).granted, false);
    clock.now += 1;
    assert.equal((await ask({ requestsPerMinute: 2 })).granted, true);
    assert.equal((await ask({ requestsPerMinute: 2 })).granted, false);
  });

  test(`${name} grants 99 of a hundred that a limit allows, and never more, under a load that does not end`, async () => {
    const { clock, ask } = await open();
    const granted: number[] = [];
    for (let i = 0; i < 1_500; i++) {
      if ((await ask({ requestsPerMinute: 100 })).granted) granted.push(clock.now);
      clock.now += 200; // five minutes in all, at three times the limit
    }
    for (const at of granted) assert.ok(granted.filter((one) => one >= at && one < at + minute).length <= 100);
    assert.ok(granted.length >= 495, String(granted.length));
  });

  test(`${name} counts requests in progress until they end`, async () => {
    const { limiter, ask } = await open();
    const limits = { concurrent: 2 };
    await ask(limits, { lease: 'first' });
    await ask(limits);
    const refusal = await ask(limits);
    assert.ok(!refusal.granted);
    assert.deepEqual([refusal.limit, refusal.allowed, refusal.retryAfterMs], ['concurrent', 2, 1_000]);
    await limiter.release('first', {});
    assert.equal((await ask(limits)).granted, true);
    await limiter.release('first', {});
    await limiter.release('never given', { tokens: 5 });
    assert.equal((await ask(limits)).granted, false);
  });

  test(`${name} ends a lease at its deadline, unless it is renewed`, async () => {
    const { limiter, clock, ask } = await open();
    const limits = { concurrent: 2 };
    await ask(limits, { lease: 'alive' });
    await ask(limits, { lease: 'dead' });
    clock.now += 20_000;
    await limiter.renew(['alive', 'never given'], 30_000);
    clock.now += 9_999;
    assert.equal((await ask(limits)).granted, false);
    clock.now += 1;
    assert.equal((await ask(limits)).granted, true);
    assert.equal((await ask(limits)).granted, false);
    clock.now += 20_000;
    assert.equal((await ask(limits)).granted, true);
  });

  test(`${name} does not renew what was released`, async () => {
    const { limiter, ask } = await open();
    await ask({ concurrent: 1 }, { lease: 'ended' });
    await limiter.release('ended', {});
    await limiter.renew(['ended'], 30_000);
    assert.equal((await ask({ concurrent: 1 })).granted, true);
  });

  test(`${name} counts a request for all of its checks, or for none`, async () => {
    const { limiter, key } = await open();
    const app = 'llm';
    const wide = { key: `group:${key}`, requestsPerMinute: 3, concurrent: 3, tokensPerMinute: 30, tokensPerDay: 30 };
    const narrow = { key, concurrent: 1 };
    const ask = async (checks: readonly LimitCheck[]) =>
      limiter.acquire({ app, checks, lease: randomUUID(), leaseMs: 30_000, tokens: 10 });
    assert.equal((await ask([wide, narrow])).granted, true);
    for (let i = 0; i < 5; i++) assert.equal((await ask([wide, narrow])).granted, false);
    const answer = await ask([wide]);
    assert.ok(answer.granted);
    assert.deepEqual(
      answer.left.map(({ limit, left }) => [limit, left]),
      [
        ['requests-per-minute', 1],
        ['concurrent', 1],
        ['tokens-per-minute', 10],
        ['tokens-per-day', 10],
      ],
    );
  });

  test(`${name} tells apps and keys apart`, async () => {
    const { ask } = await open();
    const limits = { requestsPerMinute: 1, concurrent: 1 };
    assert.equal((await ask(limits)).granted, true);
    assert.equal((await ask(limits, { app: 'other' })).granted, true);
    assert.equal((await ask({}, { checks: [{ key: `group:${randomUUID()}`, ...limits }] })).granted, true);
    assert.equal((await ask(limits)).granted, false);
  });

  test(`${name} names the limit that lets people wait longest`, async () => {
    const { ask } = await open();
    const limits = { requestsPerMinute: 1, concurrent: 1, tokensPerDay: 10 };
    assert.equal((await ask(limits, { tokens: 5 })).granted, true);
    const limitOf = async (asked: typeof limits, tokens: number): Promise<LimitName | undefined> => {
      const answer = await ask(asked, { tokens });
      return answer.granted ? undefined : answer.limit;
    };
    assert.equal(await limitOf(limits, 5), 'requests-per-minute');
    assert.equal(await limitOf(limits, 6), 'tokens-per-day');
  });

  test(`${name} reserves tokens, and settles them when they are known`, async () => {
    const { limiter, ask } = await open();
    const limits = { tokensPerMinute: 100, tokensPerDay: 1_000 };
    await ask(limits, { lease: 'less', tokens: 60 });
    assert.equal((await ask(limits, { tokens: 41 })).granted, false);
    await limiter.release('less', { tokens: 10 });
    assert.equal((await ask(limits, { lease: 'more', tokens: 20 })).granted, true);
    await limiter.release('more', { tokens: 85 });
    const refusal = await ask(limits, { tokens: 6 });
    assert.equal(refusal.granted || refusal.limit, 'tokens-per-minute');
    const answer = await ask(limits, { tokens: 5 });
    assert.deepEqual(answer.granted && answer.left.map(({ left }) => left), [0, 900]);
  });

  test(`${name} keeps a reservation that nobody settles until it falls out of its window`, async () => {
    const { limiter, clock, ask } = await open();
    await ask({ tokensPerMinute: 100 }, { lease: 'crashed', tokens: 100 });
    await ask({ tokensPerMinute: 100 }, { lease: 'unknown' });
    await limiter.release('unknown', {});
    clock.now += minute;
    assert.equal((await ask({ tokensPerMinute: 100 }, { tokens: 1 })).granted, false);
    clock.now += 250;
    assert.equal((await ask({ tokensPerMinute: 100 }, { tokens: 100 })).granted, true);
  });

  test(`${name} counts what was not reserved when it becomes known`, async () => {
    const { limiter, clock, ask } = await open();
    const limits = { tokensPerMinute: 100 };
    await ask(limits, { lease: 'long', tokens: 50, leaseMs: 10 * minute });
    clock.now += 3 * minute;
    await limiter.release('long', { tokens: 130 });
    const refusal = await ask(limits, { tokens: 30 });
    assert.ok(!refusal.granted && (refusal.retryAfterMs ?? 0) >= 59_000);
    assert.equal((await ask(limits, { tokens: 20 })).granted, true);
  });

  test(`${name} gives back nothing that does not count any more`, async () => {
    const { limiter, clock, ask } = await open();
    const limits = { tokensPerMinute: 100 };
    await ask(limits, { lease: 'long', tokens: 100, leaseMs: 10 * minute });
    clock.now += 60_250;
    await ask(limits, { tokens: 100 });
    await limiter.release('long', { tokens: 0 });
    assert.equal((await ask(limits, { tokens: 1 })).granted, false);
  });

  test(`${name} gives back nothing of the day before`, async () => {
    const { limiter, clock, ask } = await open();
    const limits = { tokensPerDay: 100 };
    await ask(limits, { lease: 'late', tokens: 100, leaseMs: day });
    clock.now += 14 * 60 * minute;
    await ask(limits, { tokens: 100 });
    await limiter.release('late', { tokens: 0 });
    assert.equal((await ask(limits, { tokens: 1 })).granted, false);
  });

  test(`${name} lets people wait until there is room for all tokens that they ask for`, async () => {
    const { clock, ask } = await open();
    const limits = { tokensPerMinute: 100 };
    await ask(limits, { tokens: 50 });
    clock.now += 10_000;
    await ask(limits, { tokens: 50 });
    const waits = async (tokens: number) => {
      const refusal = await ask(limits, { tokens });
      return refusal.granted ? 0 : refusal.retryAfterMs;
    };
    assert.deepEqual([await waits(50), await waits(51)], [50_250, 60_250]);
  });

  test(`${name} lets nobody wait for more tokens than there ever are`, async () => {
    const { ask } = await open();
    for (const limits of [{ tokensPerMinute: 100 }, { tokensPerDay: 100 }]) {
      const refusal = await ask(limits, { tokens: 101 });
      assert.ok(!refusal.granted);
      assert.equal(refusal.retryAfterMs, undefined);
    }
  });

  test(`${name} refuses requests of unknown size once the tokens are used up`, async () => {
    const { limiter, ask } = await open();
    const limits = { tokensPerMinute: 100 };
    assert.equal((await ask(limits, { lease: 'one' })).granted, true);
    await limiter.release('one', { tokens: 100 });
    assert.equal((await ask(limits)).granted, false);
  });

  test(`${name} begins a day at midnight UTC`, async () => {
    const { clock, ask } = await open();
    const limits = { tokensPerDay: 10 };
    const answer = await ask(limits, { tokens: 10 });
    assert.deepEqual(answer.granted && answer.left.map(({ resetMs }) => resetMs), [14 * 60 * minute]);
    const refusal = await ask(limits, { tokens: 1 });
    assert.equal(!refusal.granted && refusal.retryAfterMs, 14 * 60 * minute);
    clock.now += 14 * 60 * minute - 1;
    assert.equal((await ask(limits, { tokens: 1 })).granted, false);
    clock.now += 1;
    assert.equal((await ask(limits, { tokens: 10 })).granted, true);
    clock.now -= 5_000; // back over midnight: it is still the later day
    assert.equal((await ask(limits, { tokens: 1 })).granted, false);
    clock.now += 3 * day;
    assert.equal((await ask(limits, { tokens: 10 })).granted, true);
  });

  test(`${name} exceeds nothing when the clock goes back, and is not stuck for longer than by a window`, async () => {
    const { clock, ask } = await open();
    const limits = { requestsPerMinute: 2, concurrent: 2 };
    for (let i = 0; i < 2; i++) await ask(limits);
    clock.now -= 2_000;
    assert.equal((await ask(limits)).granted, false);
    clock.now -= 2 * 60 * minute;
    assert.equal((await ask({ concurrent: 2 })).granted, false);
    clock.now += 62_000;
    assert.equal((await ask(limits)).granted, true);
  });

  test(`${name} exceeds no limit and counts no request in part, whatever comes in whatever order`, async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('acquire'), who: fc.nat(2), tokens: fc.nat(8) }) },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('release'), who: fc.nat(9), tokens: fc.option(fc.nat(12)) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew'), who: fc.nat(9), tokens: fc.constant(0) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass'), who: fc.nat(12_000), tokens: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash'), who: fc.nat(9), tokens: fc.constant(0) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const { limiter, clock } = await make(morning);
        const id = randomUUID();
        const limits = { requestsPerMinute: 8, concurrent: 2, tokensPerMinute: 30 };
        const all = { key: `group:${id}`, requestsPerMinute: 12, concurrent: 4, tokensPerMinute: 45 };
        const leaseMs = 30_000;
        type Grant = {
          lease: string;
          who: number;
          at: number;
          deadline: number;
          tokens: number;
          more?: [number, number];
          /** Nobody renews or releases it any more. */
          crashed?: boolean;
        };
        const grants: Grant[] = [];
        const open = new Set<Grant>();
        const pick = (n: number): Grant | undefined => {
          const alive = [...open].filter(({ crashed }) => crashed !== true);
          return alive[n % Math.max(1, alive.length)];
        };
        /** What a key has to count at least (`late`: and what it may still count) now. */
        const used = (mine: (grant: Grant) => boolean, late: number) => {
          const since = clock.now - minute - late;
          const recent = grants.filter((grant) => mine(grant));
          return {
            requests: recent.filter(({ at }) => at > since).length,
            running: recent.filter((grant) => open.has(grant) && grant.deadline > clock.now).length,
            tokens: recent.reduce(
              (sum, { at, tokens, more }) =>
                sum + (at > since ? tokens : 0) + (more !== undefined && more[0] > since ? more[1] : 0),
              0,
            ),
          };
        };
        for (const { kind, who, tokens } of steps) {
          if (kind === 'pass') clock.now += who;
          const chosen = pick(who);
          if (kind === 'release' && chosen !== undefined) {
            open.delete(chosen);
            await limiter.release(chosen.lease, { tokens: tokens ?? undefined });
            const more = (tokens ?? chosen.tokens) - chosen.tokens;
            if (more > 0) chosen.more = [clock.now, more];
            else chosen.tokens += more;
          }
          if (kind === 'renew' && chosen !== undefined) {
            await limiter.renew([chosen.lease], leaseMs);
            chosen.deadline = clock.now + leaseMs;
          }
          if (kind === 'crash' && chosen !== undefined) chosen.crashed = true;
          if (kind !== 'acquire') continue;
          const wanted = tokens ?? 0;
          const checks = [{ key: `person:${who}:${id}`, ...limits }, all];
          const lease = randomUUID();
          const answer = await limiter.acquire({ app: 'llm', checks, lease, leaseMs, tokens: wanted });
          const fits = (late: number): boolean =>
            (
              [
                [used((grant) => grant.who === who, late), limits],
                [used(() => true, late), all],
              ] as const
            ).every(
              ([now, limit]) =>
                now.requests + 1 <= limit.requestsPerMinute &&
                now.running + 1 <= limit.concurrent &&
                now.tokens + Math.max(1, wanted) <= limit.tokensPerMinute,
            );
          if (answer.granted) assert.ok(fits(0), 'granted, and there was no room');
          else assert.ok(!fits(250), 'refused, and there was room');
          if (!answer.granted) continue;
          const grant: Grant = { lease, who, at: clock.now, deadline: clock.now + leaseMs, tokens: wanted };
          grants.push(grant);
          open.add(grant);
        }
        // Whoever was forgotten does not hold a place for longer than a lease.
        clock.now += leaseMs + minute;
        const places = await Promise.all(
          Array.from({ length: 5 }, async () =>
            limiter.acquire({
              app: 'llm',
              checks: [{ key: all.key, concurrent: 4 }],
              lease: randomUUID(),
              leaseMs,
              tokens: 0,
            }),
          ),
        );
        assert.equal(places.filter(({ granted }) => granted).length, 4);
      }),
      { numRuns: runs },
    );
  });
}
