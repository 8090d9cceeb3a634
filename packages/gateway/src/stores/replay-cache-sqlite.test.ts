import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { openDatabase } from './database.ts';
import { replayCacheContract } from './replay-cache.contract.ts';
import { replayCacheTables, sqliteReplayCache } from './replay-cache-sqlite.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-replay-'));
after(() => rmSync(root, { recursive: true }));
const fresh = (): string => mkdtempSync(join(root, 'case-'));

function inMemory(): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.exec(replayCacheTables);
  return database;
}

replayCacheContract('sqlite', (now) => sqliteReplayCache(inMemory(), now));

test('sqliteReplayCache() still refuses after a restart what was claimed before', async () => {
  const state = fresh();
  const before = openDatabase(state, [replayCacheTables]);
  assert.equal(await sqliteReplayCache(before, () => 0).claim('a', 10), true);
  before.close();
  const afterwards = openDatabase(state, [replayCacheTables]);
  assert.equal(await sqliteReplayCache(afterwards, () => 5).claim('a', 10), false);
  afterwards.close();
});

test('sqliteReplayCache() shares its claims with other connections to the same file', async () => {
  const state = fresh();
  const [one, other] = [openDatabase(state, [replayCacheTables]), openDatabase(state, [replayCacheTables])];
  const caches = [sqliteReplayCache(one, () => 0), sqliteReplayCache(other, () => 0)];
  const claims = await Promise.all(Array.from({ length: 50 }, async (_, i) => caches[i % 2]?.claim('a', 10)));
  assert.equal(claims.filter(Boolean).length, 1);
  one.close();
  other.close();
});

test('sqliteReplayCache() throws when the database cannot tell', () => {
  const database = inMemory();
  const cache = sqliteReplayCache(database, () => 0);
  database.close();
  assert.throws(() => cache.claim('a', 10));
});

test('sqliteReplayCache() throws after it was closed, rather than answer', () => {
  const database = inMemory();
  const cache = sqliteReplayCache(database, () => 0);
  void cache.close();
  assert.throws(() => cache.claim('a', 10), /closed/);
  database.close();
});

test('sqliteReplayCache() does not keep what has expired', async () => {
  const database = inMemory();
  let now = 0;
  const cache = sqliteReplayCache(database, () => now);
  for (let i = 0; i < 5_000; i++) {
    now = i;
    await cache.claim(`key ${i}`, i + 100);
  }
  const rows = Number(database.prepare('SELECT count(*) AS rows FROM replay').get()?.['rows']);
  assert.ok(rows <= 2 * 100 + 256, `${rows} rows`);
  database.close();
});

test('sqliteReplayCache() removes expired keys between many live ones, and no live one', async () => {
  const database = inMemory();
  let now = 0;
  const cache = sqliteReplayCache(database, () => now);
  const live = Array.from({ length: 900 }, (_, i) => `${i % 2 === 0 ? 'a' : 'z'} ${i}`);
  for (const key of live) assert.equal(await cache.claim(key, 1_000_000), true);
  for (let i = 0; i < 5_000; i++) {
    now = i;
    await cache.claim(`key ${i}`, i + 100);
  }
  const rows = Number(database.prepare('SELECT count(*) AS rows FROM replay').get()?.['rows']);
  assert.ok(rows <= 2 * 1_000, `${rows} rows`);
  for (const key of live) assert.equal(await cache.claim(key, 1_000_000), false);
  database.close();
});
