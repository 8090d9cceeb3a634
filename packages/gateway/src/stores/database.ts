/**
 * `<state>/cardea.sqlite`: one file for everything that must outlast a restart, with
 * SQLite's write-ahead log, so that a commit costs microseconds.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeStateFolder, StateError, stateFault } from './state-folder.ts';

/** The database cannot be used. The message names the file and what to do. */
export class DatabaseError extends StateError {
  override readonly name = 'DatabaseError';
}

/**
 * Opens (and makes) the database and brings it to the newest form.
 *
 * `migrations` is the history of its tables, oldest first: each is run once, in a transaction, and counted in
 * `user_version`. A migration that has been released is never changed; another one is appended.
 *
 * `synchronous = NORMAL`: what was committed survives the end of the process, and the file survives a power cut,
 * although the last moments before the cut may be missing from it.
 */
export function openDatabase(state: string, migrations: readonly string[]): DatabaseSync {
  const path = join(state, 'cardea.sqlite');
  makeStateFolder(state);
  makeFile(path);
  const database = new DatabaseSync(path);
  try {
    database.exec(
      'PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON',
    );
    migrate(database, path, migrations);
    return database;
  } catch (error) {
    database.close();
    if (error instanceof DatabaseError) throw error;
    const why = error instanceof Error ? error.message : 'unknown error';
    throw new DatabaseError(`Cannot open database "${path}": ${why}`, { cause: error });
  }
}

/** SQLite would make it readable for everyone; -wal and -shm follow its mode. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw new DatabaseError(`Cannot open database "${path}": ${stateFault(error)}`, { cause: error });
  }
}

function migrate(database: DatabaseSync, path: string, migrations: readonly string[]): void {
  database.exec('BEGIN IMMEDIATE'); // also keeps two starting processes from migrating at once
  try {
    const done = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (done > migrations.length)
      throw new DatabaseError(
        `Cannot use database "${path}": its form is ${done}, this version of Cardea knows ${migrations.length}. ` +
          'It was used by a newer Cardea: start that one, or restore the backup from before the upgrade',
      );
    for (const migration of migrations.slice(done)) database.exec(migration);
    database.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
