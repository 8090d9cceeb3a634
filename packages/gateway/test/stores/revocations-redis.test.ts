import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../until.ts';
import { noRedis, startRedis } from '../redis.ts';
import type { Revocations } from '../../src/ports/revocations.ts';
import { StoreUnavailable } from '../../src/ports/store-unavailable.ts';
import type { RedisOptions } from '../../src/stores/redis.ts';
import { redisLife } from '../../src/stores/redis-life.ts';
import { redisForTests, type TestConnection } from './redis-testing.ts';
import { allChanges, aRevocation, revocationsContract } from '../../src/stores/revocations.contract.ts';
import { redisRevocations } from '../../src/stores/revocations-redis.ts';

const { connect } = redisForTests();
const options = { skip: noRedis };

interface Opened extends TestConnection {
  readonly store: Revocations;
}

function open(how: Partial<RedisOptions> & { readonly now?: () => number; readonly settleMs?: number } = {}): Opened {
  const { now = () => 0, settleMs = 0, ...rest } = how;
  const connection = connect(rest);
  return { ...connection, store: redisRevocations(connection.redis, redisLife(connection.redis, settleMs), now) };
}

revocationsContract('Redis', (now) => open({ now }).store, options);

test('redisRevocations() hears of what other connections add', options, async () => {
  const stores = [1, 2, 3].map(() => open({ prefix: 'shared' }).store);
  const [reader] = stores;
  assert.ok(reader !== undefined);
  const { cursor } = await allChanges(reader);
  await Promise.all(
    stores.map(async (store, s) => {
      for (let i = 0; i < 100; i++) await store.add([aRevocation(`${s} ${i}`)]);
    }),
  );
  const { entries, startedOver } = await allChanges(reader, cursor);
  assert.deepEqual([entries.length, startedOver], [300, false]);
});

test('redisRevocations() starts over when Redis was emptied, though the connection held', options, async () => {
  const server = await startRedis();
  const { store, redis } = open({ url: server.url });
  await store.add([aRevocation('a'), aRevocation('b')]);
  const { cursor } = await allChanges(store);
  await redis.run((client) => client.flushall());
  for (const key of ['c', 'd', 'e']) await store.add([aRevocation(key)]); // as many and more numbers are used up again
  const { entries, startedOver } = await allChanges(store, cursor);
  assert.deepEqual([entries.map(({ key }) => key), startedOver], [['c', 'd', 'e'], true]);
  await server.close();
});

test(
  'redisRevocations() starts over after a reconnection: Redis may have gone back to an older copy',
  options,
  async () => {
    const server = await startRedis(['--appendonly', 'yes']);
    const { store, redis, recovery } = open({ url: server.url });
    await store.add([aRevocation('a')]);
    const { cursor } = await allChanges(store);
    await redis.run((client) => client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no')).catch(() => undefined);
    await until(() => recovery.length > 0, 'the recovery');
    const { entries, startedOver } = await allChanges(store, cursor);
    assert.deepEqual([entries.map(({ key }) => key), startedOver], [['a'], true]);
    await server.close();
  },
);

test('redisRevocations() starts over when Redis knows less than the cursor', options, async () => {
  const { store, redis } = open();
  await store.add([aRevocation('a'), aRevocation('b')]);
  const { cursor } = await allChanges(store);
  await redis.run((client) => client.decr(redis.key('revoked:number')));
  assert.equal((await allChanges(store, cursor)).startedOver, true);
});

test('redisRevocations() leaves nothing behind of what it has swept', options, async () => {
  let now = 0;
  const { store, redis } = open({ now: () => now });
  await store.add(['a', 'b', 'c'].map((key) => aRevocation(key, { until: 10 })));
  now = 10;
  await store.add([aRevocation('d')]);
  const sizes = await redis.run((client) =>
    Promise.all([
      client.hlen(redis.key('revoked:entries')),
      client.zcard(redis.key('revoked:log')),
      client.zcard(redis.key('revoked:ends')),
    ]),
  );
  assert.deepEqual(sizes, [1, 1, 1]);
});

test('redisRevocations() is not settled until an emptied Redis has been there for a while', options, async () => {
  const server = await startRedis();
  const { store } = open({ url: server.url, settleMs: 200 });
  const started = performance.now();
  assert.equal((await store.changes(undefined)).settled, false);
  for (let settled = false; !settled; ) {
    settled = (await store.changes(undefined)).settled;
    if (settled) assert.ok(performance.now() - started > 150);
  }
  await server.close();
});

test('redisRevocations() throws when Redis cannot tell', options, async () => {
  const server = await startRedis();
  const { store } = open({ url: server.url });
  await store.add([aRevocation('a')]);
  await server.kill();
  await assert.rejects(async () => store.changes(undefined), StoreUnavailable);
  await assert.rejects(async () => store.add([aRevocation('b')]), StoreUnavailable);
  await server.close();
});
