import type { DatabaseSync } from 'node:sqlite';
import type { SigningKeyStore } from '../ports/signing-keys.ts';

/** One row at most. */
export const signingKeyTables = `
  CREATE TABLE signing_keys (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    sealed TEXT NOT NULL
  ) STRICT;
`;

/** The issuer's keys in the database of this machine. */
export function sqliteSigningKeys(database: DatabaseSync): SigningKeyStore {
  const read = database.prepare('SELECT version, sealed FROM signing_keys');
  const create = database.prepare('INSERT OR IGNORE INTO signing_keys (id, version, sealed) VALUES (1, 1, ?)');
  const replace = database.prepare('UPDATE signing_keys SET version = version + 1, sealed = ? WHERE version = ?');
  return {
    read() {
      const row = read.get();
      return row === undefined ? undefined : { version: Number(row['version']), text: String(row['sealed']) };
    },
    replace(version, text) {
      const { changes } = version === undefined ? create.run(text) : replace.run(text, version);
      return changes === 1;
    },
  };
}
