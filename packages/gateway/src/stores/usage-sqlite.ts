import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { batches } from '../core/batches.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { UsageAnswer, UsageQuestion, UsageStore } from '../ports/usage.ts';
import { type UsageColumns, usageColumnNames, usageColumns } from './usage-columns.ts';
import { queryUsage } from './usage-sqlite-query.ts';

/** The table, as a migration for `openDatabase`. */
export const usageTables = `
  CREATE TABLE usage (
    id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    time INTEGER NOT NULL,
    app TEXT NOT NULL,
    account TEXT,
    subject TEXT,
    tier_groups TEXT NOT NULL,
    tier TEXT,
    model TEXT,
    api_key TEXT,
    status INTEGER,
    refusal TEXT,
    tokens_in INTEGER,
    tokens_out INTEGER,
    estimated INTEGER NOT NULL,
    first_token_ms INTEGER,
    duration_ms INTEGER,
    bytes_in INTEGER,
    bytes_out INTEGER
  ) STRICT;
  CREATE INDEX usage_by_time ON usage (time);
`;

export interface SqliteUsageOptions {
  /** It stays open when the store is closed. */
  readonly database: DatabaseSync;
  /** Records older than this go. */
  readonly retainMs: number;
  /** Told when records were lost or could not be written yet. Must not throw. */
  readonly onTrouble: (message: string) => void;
  /** Who answers questions; default: here and now, which holds up whatever else this thread does. */
  readonly ask?: (question: UsageQuestion) => Promise<UsageAnswer>;
  /** See `batches`. */
  readonly maxWaiting?: number;
  readonly delayMs?: number;
}

/** Old records go in small steps, so that no step holds up requests. */
const purgeRows = 500;

/** SQLite has no lists: they are JSON. */
const cell = (value: UsageColumns[keyof UsageColumns]): SQLInputValue =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : value;

/** Usage in the database of this machine. */
export function sqliteUsage(options: SqliteUsageOptions): UsageStore {
  const { database, retainMs, onTrouble, maxWaiting, delayMs } = options;
  const insert = database.prepare(
    `INSERT INTO usage (${usageColumnNames.join(', ')}) VALUES (${usageColumnNames.map(() => '?').join(', ')})`,
  );
  const purge = database.prepare(
    `DELETE FROM usage WHERE id IN (SELECT id FROM usage WHERE time < ? ORDER BY time LIMIT ${purgeRows})`,
  );
  let newest = 0;
  const writer = batches<UsageColumns>({
    what: 'Usage records',
    onTrouble,
    ...(maxWaiting === undefined ? {} : { maxWaiting }),
    ...(delayMs === undefined ? {} : { delayMs }),
    write(batch) {
      database.exec('BEGIN');
      try {
        for (const columns of batch) insert.run(...usageColumnNames.map((name) => cell(columns[name])));
        purge.run(Math.floor(newest - retainMs));
        database.exec('COMMIT');
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
  });
  const askHere = async (question: UsageQuestion): Promise<UsageAnswer> => {
    try {
      return queryUsage(database, question);
    } catch (error) {
      throw new StoreUnavailable(
        `Cannot ask the database: ${error instanceof Error ? error.message : 'unknown error'}`,
      );
    }
  };

  return {
    record(record) {
      const columns = usageColumns(record);
      newest = Math.max(newest, columns.time);
      writer.add(columns);
    },
    query: options.ask ?? askHere,
    close: () => writer.close(),
  };
}
