import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { ApiKey, ApiKeys } from '../ports/api-keys.ts';
import { apiKeyRecord, readApiKeyRecord } from './api-key-record.ts';

/** The table, as a migration for `openDatabase`. */
export const apiKeyTables = `
  CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
  ) STRICT, WITHOUT ROWID;
`;

/** API keys in `database`, which stays open when this is closed. */
export function sqliteApiKeys(database: DatabaseSync): ApiKeys {
  const insert = database.prepare(`
    INSERT OR IGNORE INTO api_keys (id, record, created_at, last_used_at, revoked_at) VALUES (?, ?, ?, ?, ?)`);
  const one = database.prepare('SELECT * FROM api_keys WHERE id = ?');
  const all = database.prepare('SELECT * FROM api_keys ORDER BY created_at DESC, id');
  const revoke = database.prepare('UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  // All uses in one statement, and so in one transaction.
  const used = database.prepare(`
    UPDATE api_keys SET last_used_at = uses.value ->> 'at'
    FROM json_each(?) AS uses
    WHERE api_keys.id = uses.value ->> 'id' AND coalesce(last_used_at, 0) < uses.value ->> 'at'`);

  return {
    create(key) {
      const { id, createdAt, lastUsedAt = null, revokedAt = null } = key;
      return Number(insert.run(id, apiKeyRecord(key), createdAt, lastUsedAt, revokedAt).changes) === 1;
    },
    find(id) {
      const row = one.get(id);
      return row && readRow(row);
    },
    list: () => all.all().map(readRow),
    revoke: (id, now) => Number(revoke.run(now, id).changes) === 1,
    used(uses) {
      used.run(JSON.stringify(uses));
    },
    close() {},
  };
}

function readRow(row: Readonly<Record<string, SQLOutputValue>>): ApiKey {
  const time = (name: string): number | undefined => (row[name] === null ? undefined : Number(row[name]));
  return readApiKeyRecord(String(row['id']), String(row['record']), time('last_used_at'), time('revoked_at'));
}
