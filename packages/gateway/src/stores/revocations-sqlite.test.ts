import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { openDatabase } from './database.ts';
import { allChanges, aRevocation, revocationsContract } from './revocations.contract.ts';
import { revocationTables, sqliteRevocations } from './revocations-sqlite.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-revocations-'));
after(() => rmSync(root, { recursive: true }));

function inMemory(): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.exec(revocationTables);
  return database;
}

revocationsContract('sqlite', (now) => sqliteRevocations(inMemory(), now));

test('sqliteRevocations() hears of what other processes add, all at the same time', async () => {
  const database = openDatabase(root, [revocationTables]);
  const store = sqliteRevocations(database, () => 0);
  const { cursor } = await allChanges(store);
  const program = `
    const { openDatabase } = await import(${JSON.stringify(join(import.meta.dirname, 'database.ts'))});
    const { sqliteRevocations, revocationTables } = await import(${JSON.stringify(join(import.meta.dirname, 'revocations-sqlite.ts'))});
    const database = openDatabase(${JSON.stringify(root)}, [revocationTables]);
    const store = sqliteRevocations(database, () => 0);
    for (let i = 0; i < 100; i++)
      store.add([{ kind: 'session', key: process.argv[1] + i, before: 1, until: 100_000, reason: 'test' }]);
    database.close();
  `;
  const seen: string[] = [];
  let at = cursor;
  const read = async (): Promise<void> => {
    const changes = await allChanges(store, at);
    seen.push(...changes.entries.map(({ key }) => key));
    at = changes.cursor;
  };
  const processes = Promise.all(
    ['a', 'b', 'c'].map((name) => promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, name])),
  );
  const reading = setInterval(() => void read(), 1);
  await processes;
  clearInterval(reading);
  await read();
  assert.equal(seen.length, 300);
  assert.equal(new Set(seen).size, 300);
  database.close();
});

test('sqliteRevocations() adds all entries or none', async () => {
  const database = inMemory();
  const store = sqliteRevocations(database, () => 0);
  const broken = { ...aRevocation('b'), before: Number.NaN };
  assert.throws(() => store.add([aRevocation('a'), broken]));
  assert.deepEqual((await allChanges(store)).entries, []);
});

test('sqliteRevocations() passes over an entry of a kind that it does not know, and goes on behind it', async () => {
  const database = inMemory();
  const store = sqliteRevocations(database, () => 0);
  await store.add([aRevocation('a'), aRevocation('b')]);
  database.exec(`UPDATE revocation SET kind = 'planet' WHERE key = 'b'`);
  const { entries, cursor } = await allChanges(store);
  assert.deepEqual(entries, [aRevocation('a')]);
  assert.deepEqual((await allChanges(store, cursor)).entries, []);
});

test('sqliteRevocations() throws when the database cannot tell', () => {
  const database = inMemory();
  const store = sqliteRevocations(database, () => 0);
  database.close();
  assert.throws(() => store.changes(undefined), StoreUnavailable);
  assert.throws(() => store.add([aRevocation('a')]), StoreUnavailable);
});
