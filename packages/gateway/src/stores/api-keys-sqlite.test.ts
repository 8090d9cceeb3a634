import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { anApiKey, apiKeysContract } from './api-keys.contract.ts';
import { apiKeyTables, sqliteApiKeys } from './api-keys-sqlite.ts';
import { openDatabase } from './database.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-api-keys-'));
after(() => rmSync(root, { recursive: true }));

function inMemory(): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.exec(apiKeyTables);
  return database;
}

apiKeysContract('sqlite', () => sqliteApiKeys(inMemory()));

test('sqliteApiKeys() hears at once of a revocation that another connection to the file has made', async () => {
  const [one, other] = [openDatabase(root, [apiKeyTables]), openDatabase(root, [apiKeyTables])];
  const [here, there] = [sqliteApiKeys(one), sqliteApiKeys(other)];
  const key = anApiKey();
  await here.create(key);
  await there.revoke(key.id, 4_000);
  const found = here.find(key.id);
  assert.ok(found !== undefined && !(found instanceof Promise));
  assert.equal(found.revokedAt, 4_000);
  one.close();
  other.close();
});

test('sqliteApiKeys() throws when the database cannot be asked', () => {
  const database = inMemory();
  const keys = sqliteApiKeys(database);
  database.close();
  assert.throws(() => keys.find('abcdefghij'));
});

for (const [what, change] of [
  ['no hash', "json_remove(record, '$.hash')"],
  ['no scope of apps, which must not stand for all', "json_remove(record, '$.apps')"],
  ['a path that is no text', "json_set(record, '$.paths[0]', 1)"],
  ['no end', "json_remove(record, '$.expiresAt')"],
] as const)
  test(`sqliteApiKeys() throws for a row with ${what}`, async () => {
    const database = inMemory();
    const keys = sqliteApiKeys(database);
    await keys.create(anApiKey());
    database.exec(`UPDATE api_keys SET record = ${change}`);
    assert.throws(() => keys.find('abcdefghij'), TypeError);
    database.close();
  });
