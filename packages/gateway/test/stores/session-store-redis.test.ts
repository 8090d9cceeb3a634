import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noRedis } from '../redis.ts';
import { StoreUnavailable } from '../../src/ports/store-unavailable.ts';
import { redisForTests } from './redis-testing.ts';
import { aSession, sessionStoreContract } from '../../src/stores/session-store.contract.ts';
import { redisSessionStore } from '../../src/stores/session-store-redis.ts';

const { connect } = redisForTests();
const options = { skip: noRedis };

sessionStoreContract('Redis', (now, bounds) => redisSessionStore(connect().redis, now, bounds), options);

test('redisSessionStore() shares its sessions with other connections', options, async () => {
  const stores = [connect({ prefix: 'shared' }), connect({ prefix: 'shared' })].map(({ redis }) =>
    redisSessionStore(redis, () => 0),
  );
  await stores[0]?.put(aSession('a'));
  assert.deepEqual(await stores[1]?.touch([{ id: 'a', lastSeen: 3_000 }]), []);
  assert.equal((await stores[0]?.get('a'))?.lastSeen, 3_000);
  assert.equal(await stores[1]?.remove(['a']), 1);
  assert.equal(await stores[0]?.get('a'), undefined);
});

test('redisSessionStore() keeps what has another prefix apart', options, async () => {
  const [one, other] = [connect(), connect()].map(({ redis }) => redisSessionStore(redis, () => 0));
  await one?.put(aSession('a'));
  assert.equal(await other?.get('a'), undefined);
  assert.equal(await other?.remove(['a']), 0);
});

test('redisSessionStore() leaves no key behind when everything has been removed', options, async () => {
  const { redis } = connect();
  const store = redisSessionStore(redis, () => 0);
  for (let i = 0; i < 20; i++) await store.put(aSession(`s${i}`, { account: `CORP\\p${i}` }));
  await store.remove(Array.from({ length: 20 }, (_, i) => `s${i}`));
  assert.deepEqual(await redis.run((client) => client.keys(`${redis.key('')}*`)), []);
});

test('redisSessionStore() sweeps what has ended, and lets Redis forget the rest by itself', options, async () => {
  const { redis } = connect();
  let now = 0;
  const store = redisSessionStore(redis, () => now);
  for (let i = 0; i < 50; i++) await store.put(aSession(`s${i}`, { expiresAt: 10 }));
  now = 10;
  await store.put(aSession('last'));
  const keys = await redis.run((client) => client.keys(`${redis.key('session:')}*`));
  assert.deepEqual(keys, [redis.key('session:last')]);
  assert.equal(await redis.run((client) => client.zcard(redis.key('sessions:of:alice'))), 1);
  const left = await redis.run((client) => client.pttl(redis.key('session:last')));
  assert.ok(left > 3_600_000 && left <= 3_700_000, `${left}`);
});

test('redisSessionStore() says that Redis cannot be used, and nothing of what it was to write', options, async () => {
  const { redis } = connect({ url: 'unix:/nowhere/redis.sock' });
  const store = redisSessionStore(redis, () => 0);
  for (const attempt of [store.put(aSession('hunter2')), store.get('hunter2'), store.list(), store.remove(['hunter2'])])
    await assert.rejects(attempt, (error: unknown) => {
      assert.ok(error instanceof StoreUnavailable);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
});
