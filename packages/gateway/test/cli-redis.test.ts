/** `cardea keys` and `cardea sessions` where the configuration has a Redis. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RevocationList } from '../src/auth/revocation-list.ts';
import { makePlace, type Ran, runIn } from '../src/cli/testing.ts';
import { sqliteApiKeys } from '../src/stores/api-keys-sqlite.ts';
import { aSession } from '../src/stores/session-store.contract.ts';
import { openSharedStores } from '../src/stores/shared-state.ts';
import { noRedis, startRedis } from './redis.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-cli-redis-'));
after(() => rmSync(root, { recursive: true }));
const start = Date.UTC(2026, 10, 22, 9, 30);
const now = (): number => start + 3_600_000;
const run = (folder: string, ...argv: readonly string[]): Promise<Ran> => runIn(folder, argv, { now });

test('cardea keys keeps keys in Redis where the configuration has one', { skip: noRedis }, async (t) => {
  const server = await startRedis();
  t.after(() => server.close());
  const { folder, database } = makePlace(root, server.url);
  t.after(() => database.close());
  const { id } = JSON.parse((await run(folder, 'keys', 'create', '--name', 'shared', '--json')).stdout);
  assert.equal((await run(folder, 'keys', 'show', '--id', id)).status, 0);
  assert.equal((await run(folder, 'keys', 'revoke', '--name', 'shared')).status, 0);
  assert.deepEqual(await sqliteApiKeys(database).list(), []);
  await server.kill();
  const { status, stderr } = await run(folder, 'keys', 'list');
  assert.equal(status, 1);
  assert.match(stderr, /Redis/);
});

test('cardea sessions works with Redis, and says in one line that it is down', { skip: noRedis }, async (t) => {
  const server = await startRedis();
  t.after(() => server.close());
  const { folder, database, audit } = makePlace(root, server.url);
  const redis = { url: server.url, prefix: 'cardea', timeoutMs: 2_000 };
  const stores = openSharedStores({ redis, sessionStore: 'cookie', settleMs: 0 }, database, now, () => {});
  t.after(async () => {
    await stores.close();
    database.close();
  });
  const times = { since: start, lastSeen: start + 60_000, expiresAt: start + 28_800_000 };
  const bob = { subject: 'password:bob', account: 'bob', upn: undefined, method: 'password' };
  const sessions = [aSession('a1', times), aSession('b1', { ...times, ...bob })];
  for (const session of sessions) await stores.sessions.put(session);

  assert.match((await run(folder, 'sessions', 'list')).stdout, /a1/);
  assert.equal((await run(folder, 'sessions', 'revoke', '--user', 'alice')).status, 0);
  const list = new RevocationList({ store: stores.revocations, now, onTrouble: () => {}, onRecovery: () => {} });
  await list.whenReady(5_000);
  assert.deepEqual(
    sessions.map((one) => list.isRevoked({ ...one, issuedAt: one.since })),
    [true, false],
  );
  await list.close();
  assert.equal(audit().length, 1);
  await server.kill();
  const { status, stderr } = await run(folder, 'sessions', 'revoke', '--user', 'bob');
  assert.deepEqual([status, stderr.split('\n').length], [1, 2]);
  assert.match(stderr, /Redis at .* cannot be used/);
  assert.equal(audit().length, 1);
});
