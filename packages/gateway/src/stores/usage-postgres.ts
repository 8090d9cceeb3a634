import { batches } from '../core/batches.ts';
import type { UsageAnswer, UsageQuestion, UsageStore } from '../ports/usage.ts';
import { openPostgres, type Postgres, type PostgresOptions, PostgresUnavailable } from './postgres.ts';
import { migrateTables, type PostgresTables } from './postgres-tables.ts';
import { type UsageColumns, usageColumnNames, usageColumns } from './usage-columns.ts';
import { answerOf, sumStatements, type UsageDialect } from './usage-sums.ts';

/** Numbers are all of 8 bytes: one that is too large for its column would hold up all that follow. */
export const postgresUsageTables: PostgresTables = {
  part: 'usage',
  migrations: [
    // The key is also what questions and the purge look by, and keeps a batch that is written again from counting twice.
    `CREATE TABLE cardea.usage (
      time bigint NOT NULL,
      request_id text NOT NULL,
      app text NOT NULL,
      account text,
      subject text,
      tier_groups text[] NOT NULL,
      tier text,
      model text,
      api_key text,
      status bigint,
      refusal text,
      tokens_in bigint,
      tokens_out bigint,
      estimated bigint NOT NULL,
      first_token_ms bigint,
      duration_ms bigint,
      bytes_in bigint,
      bytes_out bigint,
      PRIMARY KEY (time, request_id)
    )`,
  ],
};

const dialect: UsageDialect = {
  table: 'cardea.usage',
  keys: {
    person: 'coalesce(account, subject)',
    group: 'one_group.name',
    model: 'model',
    app: 'app',
    tier: 'tier',
    day: "to_char(to_timestamp(time / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
  },
  groups: 'LEFT JOIN LATERAL unnest(tier_groups) AS one_group (name) ON true',
  since: '$1::bigint',
  until: '$2::bigint',
  app: '$3::text',
};

const columns = usageColumnNames.join(', ');
const insert = `
  INSERT INTO cardea.usage (${columns})
  SELECT ${columns} FROM json_populate_recordset(NULL::cardea.usage, $1::json)
  ON CONFLICT DO NOTHING`;

/** Old records go in small steps. By the newest record, as everywhere, but a gateway whose clock is ahead must not empty the table of all others. */
const purge = `
  DELETE FROM cardea.usage WHERE (time, request_id) IN (
    SELECT time, request_id FROM cardea.usage
    WHERE time < least($1::bigint, (extract(epoch FROM now()) * 1000)::bigint) - $2::bigint
    ORDER BY time LIMIT 500 FOR UPDATE SKIP LOCKED
  )`;

/** A question about very many records may take its time; nobody waits longer than this. */
const answerMs = 60_000;

/** The end of the process waits no longer for a server that does not answer. */
const closeMs = 5_000;

/** Its tables, or some of them, are not there or not as they were. */
const otherTables: readonly (string | undefined)[] = ['42P01', '3F000', '42703'];

export interface PostgresUsageOptions {
  readonly postgres: PostgresOptions;
  /** Records older than this go. */
  readonly retainMs: number;
  /** Told when records were lost or cannot be written yet. Must not throw. */
  readonly onTrouble: (message: string) => void;
  /** Told when they can be written again. */
  readonly onRecovery: (message: string) => void;
  /** See `batches`. */
  readonly maxWaiting?: number;
  readonly delayMs?: number;
  readonly retryMs?: number;
}

/** Usage in a PostgreSQL that several gateways may share. Looks after its tables in the background, at once and whenever they are missing. */
export function postgresUsage(options: PostgresUsageOptions): UsageStore {
  const { retainMs, onTrouble, onRecovery, maxWaiting, delayMs, retryMs } = options;
  const postgres = openPostgres(options.postgres);
  let newest = 0;
  let prepared = false;
  let down = false;
  let closed = false;

  async function write(batch: readonly UsageColumns[]): Promise<void> {
    if (batch.length > 0) await first;
    try {
      await postgres.transaction(async (sql) => {
        if (!prepared) await migrateTables(sql, postgresUsageTables);
        if (batch.length === 0) return;
        await sql(insert, [JSON.stringify(batch)]);
        await sql(purge, [newest, retainMs]);
      });
    } catch (error) {
      down = true;
      if (error instanceof PostgresUnavailable && otherTables.includes(error.code)) prepared = false;
      throw error;
    }
    prepared = true;
    if (down) onRecovery(`Usage records can be written again, to PostgreSQL at ${postgres.place}`);
    down = false;
  }

  const writer = batches<UsageColumns>({
    what: 'Usage records',
    onTrouble,
    write,
    ...(maxWaiting === undefined ? {} : { maxWaiting }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(retryMs === undefined ? {} : { retryMs }),
  });
  const first = write([]).catch((error: unknown) => {
    if (!closed) onTrouble(`Usage cannot be kept yet: ${error instanceof Error ? error.message : 'unknown error'}`);
  });

  return {
    record(record) {
      const row = usageColumns(record);
      newest = Math.max(newest, row.time);
      writer.add(row);
    },
    query: (question) => queryPostgresUsage(postgres, question),
    async close() {
      closed = true;
      const written = first.then(() => writer.close());
      const patience = Promise.withResolvers<void>();
      const timer = setTimeout(patience.resolve, closeMs);
      await Promise.race([written, patience.promise]);
      clearTimeout(timer);
      await postgres.close(); // what is still under way fails by that
      await written;
    },
  };
}

/** Answers a question. Throws `StoreUnavailable`. */
export function queryPostgresUsage(postgres: Postgres, question: UsageQuestion): Promise<UsageAnswer> {
  const { since, until, app = null, by } = question;
  return postgres.transaction(
    async (sql) => {
      const askAll = async (dimension?: UsageQuestion['by']) => {
        const { sums, waits, refusals } = sumStatements(dialect, dimension);
        const ask = (statement: string) => sql(statement, [Math.floor(since), Math.ceil(until), app]);
        return { sums: await ask(sums), waits: await ask(waits), refusals: await ask(refusals) };
      };
      return answerOf(question, await askAll(), await askAll(by));
    },
    { readOnly: true, timeoutMs: answerMs },
  );
}
