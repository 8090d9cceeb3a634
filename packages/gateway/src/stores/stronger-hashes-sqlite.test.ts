import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { sqliteStrongerHashes, strongerHashTables } from './stronger-hashes-sqlite.ts';

function open() {
  const database = new DatabaseSync(':memory:');
  database.exec(strongerHashTables);
  return { database, hashes: sqliteStrongerHashes(database) };
}

test('sqliteStrongerHashes() finds a hash by the name and by what it stands in for, and not by either alone', () => {
  const { database, hashes } = open();
  hashes.put('alice', 'old', 'new');
  assert.equal(hashes.find('alice', 'old'), 'new');
  assert.equal(hashes.find('alice', 'other'), undefined);
  assert.equal(hashes.find('bob', 'old'), undefined);
  database.close();
});

test('sqliteStrongerHashes() keeps one hash for each name, the last', () => {
  const { database, hashes } = open();
  hashes.put('alice', 'old', 'new');
  hashes.put('alice', 'other', 'newer');
  assert.equal(hashes.find('alice', 'old'), undefined);
  assert.equal(hashes.find('alice', 'other'), 'newer');
  database.close();
});

test('sqliteStrongerHashes() forgets all but the current ones', () => {
  const { database, hashes } = open();
  for (const name of ['alice', 'bob', 'carol']) hashes.put(name, `old-${name}`, `new-${name}`);
  hashes.keepOnly([
    { name: 'alice', replaces: 'old-alice' },
    { name: 'bob', replaces: 'changed' },
  ]);
  assert.equal(hashes.find('alice', 'old-alice'), 'new-alice');
  assert.equal(hashes.find('bob', 'old-bob'), undefined);
  assert.equal(hashes.find('carol', 'old-carol'), undefined);
  database.close();
});
