import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../until.ts';
import { noRedis, startRedis } from '../redis.ts';
import type { ReplayCache } from '../../src/ports/replay-cache.ts';
import { StoreUnavailable } from '../../src/ports/store-unavailable.ts';
import type { RedisOptions } from '../../src/stores/redis.ts';
import { redisLife } from '../../src/stores/redis-life.ts';
import { redisForTests, type TestConnection } from './redis-testing.ts';
import { replayCacheContract } from '../../src/stores/replay-cache.contract.ts';
import { redisReplayCache } from '../../src/stores/replay-cache-redis.ts';

const { connect } = redisForTests();
const options = { skip: noRedis };

interface Opened extends TestConnection {
  readonly claims: ReplayCache;
}

function open(how: Partial<RedisOptions> & { readonly now?: () => number; readonly settleMs?: number } = {}): Opened {
  const { now = () => 0, settleMs = 0, ...rest } = how;
  const connection = connect(rest);
  const claims = redisReplayCache(connection.redis, redisLife(connection.redis, settleMs), now);
  return { ...connection, claims };
}

if (noRedis === false) replayCacheContract('Redis', (now) => open({ now }).claims);
else test('Redis replay cache', options);

test('redisReplayCache() shares its claims with other connections', options, async () => {
  const caches = [open({ prefix: 'race' }).claims, open({ prefix: 'race' }).claims];
  const claims = await Promise.all(Array.from({ length: 50 }, async (_, i) => caches[i % 2]?.claim('a', 1_000)));
  assert.equal(claims.filter(Boolean).length, 1);
});

test('redisReplayCache() goes by the clock of the gateway, not by that of Redis', options, async () => {
  let now = Date.now() - 3 * 86_400_000;
  const { claims } = open({ now: () => now });
  assert.equal(await claims.claim('a', now + 1_000), true);
  assert.equal(await claims.claim('a', now + 1_000), false);
  now += 999;
  assert.equal(await claims.claim('a', now + 1_000), false);
});

test('redisReplayCache() lets Redis forget, a minute late', options, async () => {
  const { claims, redis } = open();
  await claims.claim('a', 5_000);
  const left = await redis.run((client) => client.pttl(redis.key('claim:a')));
  assert.ok(left > 64_000 && left <= 65_000, `${left}`);
});

test('redisReplayCache() throws when Redis cannot tell', options, async () => {
  const server = await startRedis();
  const { claims } = open({ url: server.url });
  assert.equal(await claims.claim('a', 10), true);
  await server.kill();
  await assert.rejects(async () => claims.claim('b', 10), StoreUnavailable);
  await server.close();
});

test('redisReplayCache() throws after it was closed, rather than answer', options, async () => {
  const { claims } = open();
  await claims.close();
  await assert.rejects(async () => claims.claim('a', 10), /closed/);
});

test(
  'redisReplayCache() still refuses what was claimed before Redis was restarted empty, whoever had claimed it',
  options,
  async () => {
    const server = await startRedis();
    const [one, other] = [1, 2].map(() => open({ url: server.url, prefix: 'shared', settleMs: 500 })) as [
      Opened,
      Opened,
    ];
    for (let i = 0; i < 1_200; i++) assert.equal(await one.claims.claim(`one ${i}`, 1_000_000), true);
    assert.equal(await other.claims.claim('other', 1_000_000), true);
    await server.kill();
    await server.start();
    await until(() => one.recovery.length > 0 && other.recovery.length > 0, 'the recovery');
    // Each asks for what the other has claimed: the first to come has to wait for the other.
    const replayed = await Promise.all([
      other.claims.claim('one 1199', 1_000_000),
      one.claims.claim('other', 1_000_000),
    ]);
    assert.deepEqual(replayed, [false, false]);
    assert.equal(await other.claims.claim('one 0', 1_000_000), false);
    assert.equal(await other.claims.claim('fresh', 1_000_000), true);
    await server.close();
  },
);

test('redisReplayCache() notices that Redis was emptied though the connection held', options, async () => {
  const server = await startRedis();
  const { claims, redis } = open({ url: server.url });
  // Many times, and fast: some lives last no millisecond.
  for (let i = 0; i < 50; i++) {
    assert.equal(await claims.claim(`key ${i}`, 1_000_000), true);
    await redis.run((client) => client.flushall());
    assert.equal(await claims.claim(`key ${i}`, 1_000_000), false);
  }
  await server.close();
});

test('redisReplayCache() under load lets nobody win twice while Redis is killed and restarted', options, async () => {
  const server = await startRedis();
  const caches = [1, 2].map(() => open({ url: server.url, prefix: 'shared', settleMs: 1_000 }));
  const wins = new Map<string, number>();
  let refused = 0;
  const load = { going: true };
  let round = 0;
  async function run(claims: ReplayCache): Promise<void> {
    while (load.going) {
      const keys = Array.from({ length: 20 }, (_, i) => `key ${(round + i) % 400}`);
      round += 7;
      for (const key of keys) {
        const won = await Promise.resolve(claims.claim(key, 1_000_000)).catch(() => undefined);
        if (won === undefined) refused++;
        if (won === true) wins.set(key, (wins.get(key) ?? 0) + 1);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const loads = caches.map(({ claims }) => run(claims));
  await until(() => wins.size > 100, 'some claims');
  await server.kill();
  await until(() => refused > 20, 'refusals');
  await server.start();
  const before = wins.size;
  await until(() => wins.size > before || wins.size === 400, 'claims after the restart');
  load.going = false;
  await Promise.all(loads);
  assert.deepEqual(
    [...wins].filter(([, count]) => count > 1),
    [],
  );
  await server.close();
});
