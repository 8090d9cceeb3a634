import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { noRedis, startRedis, type TestRedis } from '../redis.ts';
import { StoreUnavailable } from '../../src/ports/store-unavailable.ts';
import { anApiKey, apiKeysContract } from '../../src/stores/api-keys.contract.ts';
import { redisApiKeys } from '../../src/stores/api-keys-redis.ts';
import { openRedis, type RedisConnection } from '../../src/stores/redis.ts';

let server: TestRedis | undefined;
const connections: RedisConnection[] = [];
let prefixes = 0;

before(async () => {
  if (noRedis === false) server = await startRedis();
});
after(async () => {
  for (const connection of connections) await connection.close();
  await server?.close();
});

function connect(prefix = `test-${++prefixes}`): RedisConnection {
  const nothing = (): void => {};
  const url = server?.url ?? '';
  const connection = openRedis({ url, prefix, timeoutMs: 2_000, onTrouble: nothing, onRecovery: nothing });
  connections.push(connection);
  return connection;
}

apiKeysContract('redis', () => redisApiKeys(connect()), { skip: noRedis });

test('redisApiKeys() hears at once of a revocation by another connection', { skip: noRedis }, async () => {
  const [here, there] = [redisApiKeys(connect('shared')), redisApiKeys(connect('shared'))];
  const key = anApiKey();
  await here.create(key);
  assert.equal(await there.revoke(key.id, 4_000), true);
  assert.equal((await here.find(key.id))?.revokedAt, 4_000);
});

test('redisApiKeys() revokes a key for one of many who try at once', { skip: noRedis }, async () => {
  const keys = redisApiKeys(connect());
  await keys.create(anApiKey());
  const revoked = await Promise.all(Array.from({ length: 20 }, async (_, i) => keys.revoke('abcdefghij', i)));
  assert.equal(revoked.filter(Boolean).length, 1);
});

test('redisApiKeys() throws when Redis cannot be asked', { skip: noRedis }, async () => {
  const connection = connect();
  const keys = redisApiKeys(connection);
  await keys.create(anApiKey());
  await connection.close();
  await assert.rejects(async () => keys.find('abcdefghij'), StoreUnavailable);
});
