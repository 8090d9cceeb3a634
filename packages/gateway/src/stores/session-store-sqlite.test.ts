import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { openDatabase } from './database.ts';
import { aSession, sessionStoreContract } from './session-store.contract.ts';
import { sessionTables, sqliteSessionStore } from './session-store-sqlite.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-sessions-'));
after(() => rmSync(root, { recursive: true }));

function inMemory(): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.exec(`PRAGMA foreign_keys = ON; ${sessionTables}`);
  return database;
}
const rows = (database: DatabaseSync, table: string): number =>
  Number(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.['rows']);

sessionStoreContract('sqlite', (now, bounds) => sqliteSessionStore(inMemory(), now, bounds));

test('sqliteSessionStore() shares its sessions with other connections to the same file', async () => {
  const [one, other] = [openDatabase(root, [sessionTables]), openDatabase(root, [sessionTables])];
  const stores = [one, other].map((database) => sqliteSessionStore(database, () => 0));
  await stores[0]?.put(aSession('a'));
  assert.deepEqual(await stores[1]?.touch([{ id: 'a', lastSeen: 3_000 }]), []);
  assert.equal((await stores[0]?.get('a'))?.lastSeen, 3_000);
  assert.equal(await stores[1]?.remove(['a']), 1);
  assert.equal(await stores[0]?.get('a'), undefined);
  one.close();
  other.close();
});

test('sqliteSessionStore() removes ended sessions with the names of their people', async () => {
  const database = inMemory();
  let now = 0;
  const store = sqliteSessionStore(database, () => now);
  for (let i = 0; i < 60; i++) await store.put(aSession(`s${i}`, { expiresAt: 10 }));
  now = 10;
  await store.put(aSession('last'));
  assert.deepEqual([rows(database, 'session'), rows(database, 'session_person')], [1, 4]);
});

test('sqliteSessionStore() leaves nothing of a session that could not be written', async () => {
  const database = inMemory();
  const store = sqliteSessionStore(database, () => 0);
  await store.put(aSession('a'));
  database.exec('DROP TABLE session_person');
  await assert.rejects(store.put(aSession('b')), StoreUnavailable);
  assert.equal(rows(database, 'session'), 1);
});

test('sqliteSessionStore() says that the database cannot be used, and nothing of what it was to write', async () => {
  const database = inMemory();
  const store = sqliteSessionStore(database, () => 0);
  database.close();
  for (const attempt of [store.put(aSession('hunter2')), store.get('hunter2'), store.list(), store.remove(['hunter2'])])
    await assert.rejects(attempt, (error: unknown) => {
      assert.ok(error instanceof StoreUnavailable);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
});
