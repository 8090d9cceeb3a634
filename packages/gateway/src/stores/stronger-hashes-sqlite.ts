import type { DatabaseSync } from 'node:sqlite';
import type { StrongerHashes } from '../ports/stronger-hashes.ts';

/** One row for each user at most. */
export const strongerHashTables = `
  CREATE TABLE stronger_hash (
    name TEXT PRIMARY KEY,
    replaces TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** Stronger hashes in the database of this machine. */
export function sqliteStrongerHashes(database: DatabaseSync): StrongerHashes {
  const find = database.prepare('SELECT hash FROM stronger_hash WHERE name = ? AND replaces = ?');
  const put = database.prepare('INSERT OR REPLACE INTO stronger_hash (name, replaces, hash) VALUES (?, ?, ?)');
  const all = database.prepare('SELECT name, replaces FROM stronger_hash');
  const remove = database.prepare('DELETE FROM stronger_hash WHERE name = ?');
  return {
    find(name, replaces) {
      const hash = find.get(name, replaces)?.['hash'];
      return typeof hash === 'string' ? hash : undefined;
    },
    put: (name, replaces, hash) => void put.run(name, replaces, hash),
    keepOnly(current) {
      const wanted = new Map(current.map(({ name, replaces }) => [name, replaces]));
      for (const { name, replaces } of all.all())
        if (typeof name === 'string' && wanted.get(name) !== replaces) remove.run(name);
    },
  };
}
