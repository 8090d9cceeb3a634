import { DatabaseSync } from 'node:sqlite';
import { signingKeysContract } from './signing-keys.contract.ts';
import { signingKeyTables, sqliteSigningKeys } from './signing-keys-sqlite.ts';

signingKeysContract('SQLite', () => {
  const database = new DatabaseSync(':memory:');
  database.exec(signingKeyTables);
  return sqliteSigningKeys(database);
});
