import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { openDatabase } from './database.ts';
import { aRecord, sampleRecords, usageContract } from './usage.contract.ts';
import { sqliteUsage, usageTables } from './usage-sqlite.ts';
import { askUsageInThread } from './usage-sqlite-thread.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-usage-'));
after(() => rmSync(root, { recursive: true }));

const retainMs = 90 * 86_400_000;
const never = new AbortController().signal;
const question = { by: 'person', since: 0, until: 2e12, app: undefined } as const;

function inMemory(): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.exec(usageTables);
  return database;
}

usageContract('sqlite', () => {
  const database = inMemory();
  const open = () => sqliteUsage({ database, retainMs, onTrouble: assert.fail });
  return { store: open(), reopen: open };
});

test('sqliteUsage() keeps records while the database is locked, and writes them afterwards', async () => {
  const folder = mkdtempSync(join(root, 'locked-'));
  const [one, other] = [openDatabase(folder, [usageTables]), openDatabase(folder, [usageTables])];
  one.exec('PRAGMA busy_timeout = 0');
  const { promise: troubled, resolve } = Promise.withResolvers<string>();
  const store = sqliteUsage({ database: one, retainMs, onTrouble: resolve, delayMs: 1 });
  other.exec('BEGIN IMMEDIATE');
  store.record(aRecord());
  assert.match(await troubled, /^Usage records cannot be written and wait: .*locked/);
  other.exec('COMMIT');
  await store.close();
  assert.equal((await store.query(question)).total.requests, 1);
  one.close();
  other.close();
});

test('sqliteUsage() says that the database cannot be asked', async () => {
  const database = inMemory();
  const store = sqliteUsage({ database, retainMs, onTrouble: assert.fail });
  database.close();
  await assert.rejects(store.query(question), StoreUnavailable);
});

test('askUsageInThread() answers as the store does', async () => {
  const folder = mkdtempSync(join(root, 'thread-'));
  const database = openDatabase(folder, [usageTables]);
  const store = sqliteUsage({ database, retainMs, onTrouble: assert.fail });
  for (const record of sampleRecords) store.record(record);
  await store.close();
  const path = join(folder, 'cardea.sqlite');
  assert.deepEqual(await askUsageInThread(path, question, never), await store.query(question));
  database.close();
});

test('askUsageInThread() says that there is no database', async () => {
  await assert.rejects(askUsageInThread(join(root, 'none.sqlite'), question, never), StoreUnavailable);
});

test('askUsageInThread() gives up when it is told to', async () => {
  const folder = mkdtempSync(join(root, 'given-up-'));
  const database = openDatabase(folder, [usageTables]);
  const [before, giving] = [AbortSignal.abort(), new AbortController()];
  const path = join(folder, 'cardea.sqlite');
  await assert.rejects(askUsageInThread(path, question, before), StoreUnavailable);
  const asked = askUsageInThread(path, question, giving.signal);
  giving.abort();
  await assert.rejects(asked, StoreUnavailable);
  database.close();
});
