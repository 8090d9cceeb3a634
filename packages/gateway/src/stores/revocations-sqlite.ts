/**
 * Revocations in the database, for the threads and processes of one machine.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { covers, type Revocation, type Revocations, revocationKinds, widened } from '../ports/revocations.ts';
import { asking } from './database-errors.ts';

/** The table, as a migration for `openDatabase`. A number is never used again (AUTOINCREMENT): the cursor is one of them. */
export const revocationTables = `
  CREATE TABLE revocation (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    before INTEGER NOT NULL,
    until INTEGER NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX revocation_by_key ON revocation (kind, key);
  CREATE INDEX revocation_by_until ON revocation (until);
`;

const pageRows = 1_000;
const sweepRows = 200;

/** Revocations in `database`, which stays open when they are closed. `now`: milliseconds since the epoch. */
export function sqliteRevocations(database: DatabaseSync, now: () => number): Revocations {
  const columns = 'number, kind, key, before, until, reason';
  const select = database.prepare(
    `SELECT ${columns} FROM revocation WHERE number > ? ORDER BY number LIMIT ${pageRows}`,
  );
  const find = database.prepare(`SELECT ${columns} FROM revocation WHERE kind = ? AND key = ?`);
  const remove = database.prepare('DELETE FROM revocation WHERE kind = ? AND key = ?');
  const insert = database.prepare('INSERT INTO revocation (kind, key, before, until, reason) VALUES (?, ?, ?, ?, ?)');
  const sweep = database.prepare(
    `DELETE FROM revocation WHERE number IN (SELECT number FROM revocation WHERE until <= ? LIMIT ${sweepRows})`,
  );

  function addOne(entry: Revocation): void {
    const row = find.get(entry.kind, entry.key);
    const known = row === undefined ? undefined : readRow(row).entry;
    if (known !== undefined && covers(known, entry)) return;
    remove.run(entry.kind, entry.key);
    const { kind, key, before, until, reason } = known === undefined ? entry : widened(known, entry);
    insert.run(kind, key, Math.ceil(before), Math.ceil(until), reason); // a new number: everybody hears of it
  }

  return {
    changes: (cursor) =>
      asking(() => {
        const rows = select.all(Number(cursor ?? 0)).map(readRow);
        return {
          entries: rows.flatMap(({ entry }) => entry ?? []),
          cursor: String(rows.at(-1)?.number ?? cursor ?? 0),
          more: rows.length === pageRows,
          startedOver: cursor === undefined,
          settled: true,
        };
      }),
    add: (entries) =>
      asking(() => {
        database.exec('BEGIN IMMEDIATE');
        try {
          for (const entry of entries) addOne(entry);
          sweep.run(Math.floor(now()));
          database.exec('COMMIT');
        } catch (error) {
          if (database.isTransaction) database.exec('ROLLBACK');
          throw error;
        }
      }),
    close() {},
  };
}

/** Without an `entry` for a kind that this version does not know: a newer Cardea wrote it, about something that is not here. */
function readRow(row: Record<string, unknown>): { readonly number: number; readonly entry: Revocation | undefined } {
  const number = Number(row['number']);
  const kind = revocationKinds.find((one) => one === row['kind']);
  if (kind === undefined) return { number, entry: undefined };
  const { key, before, until, reason } = row;
  return {
    number,
    entry: { kind, key: String(key), before: Number(before), until: Number(until), reason: String(reason) },
  };
}
