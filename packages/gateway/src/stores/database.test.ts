import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DatabaseError, openDatabase } from './database.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-database-'));
after(() => rmSync(root, { recursive: true }));
const fresh = (): string => join(mkdtempSync(join(root, 'case-')), 'state');

const first = 'CREATE TABLE note (text TEXT) STRICT';
const second = "INSERT INTO note VALUES ('migrated')";

test('openDatabase() makes a database with the tables of all migrations', () => {
  const database = openDatabase(fresh(), [first, second]);
  assert.deepEqual({ ...database.prepare('SELECT * FROM note').get() }, { text: 'migrated' });
  database.close();
});

test('openDatabase() runs each migration once', () => {
  const state = fresh();
  openDatabase(state, [first]).close();
  openDatabase(state, [first, second]).close();
  const database = openDatabase(state, [first, second]);
  assert.equal(database.prepare('SELECT * FROM note').all().length, 1);
  database.close();
});

test('openDatabase() leaves nothing of a migration that fails', () => {
  const state = fresh();
  assert.throws(() => openDatabase(state, [first, `${second}; SELECT nonsense()`]), DatabaseError);
  const database = openDatabase(state, [first, second]);
  assert.equal(database.prepare('SELECT * FROM note').all().length, 1);
  database.close();
});

test('openDatabase() refuses the database of a newer version', () => {
  const state = fresh();
  openDatabase(state, [first, second]).close();
  assert.throws(
    () => openDatabase(state, [first]),
    /Cannot use database .* its form is 2, this version of Cardea knows 1/,
  );
});

test('openDatabase() makes files that only their owner can read', () => {
  const state = fresh();
  const database = openDatabase(state, [first]);
  for (const name of readdirSync(state)) assert.equal(statSync(join(state, name)).mode & 0o777, 0o600, name);
  assert.equal(readdirSync(state).length, 3);
  database.close();
});

test('openDatabase() uses the write-ahead log', () => {
  const database = openDatabase(fresh(), []);
  assert.equal(database.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
  database.close();
});
