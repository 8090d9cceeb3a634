/**
 * The tables in PostgreSQL: they lie in a schema of their own, `cardea`, and a table in it has their history.
 *
 * @module
 */
import { PostgresUnavailable, type Sql } from './postgres.ts';

/** Some tables that belong together. */
export interface PostgresTables {
  /** Their name in the history. */
  readonly part: string;
  /**
   * The history of their form, oldest first, each run once. One that has been released is never changed; another one is appended, such that
   * gateways of the version before, which still run, can go on writing.
   */
  readonly migrations: readonly string[];
}

/** Any number that no other program takes: who changes tables holds this lock. */
const lock = 0x0ca2_dea0;

/**
 * Brings them to the newest form, in the transaction of `sql`. Of several gateways that start at once, one does it and the others
 * wait. Where nothing is to be done, no more rights are needed than to read the history. Throws `PostgresUnavailable` for tables of a newer Cardea.
 */
export async function migrateTables(sql: Sql, tables: PostgresTables): Promise<void> {
  if ((await formOf(sql, tables)) === tables.migrations.length) return;
  await sql(`SELECT pg_advisory_xact_lock(${lock})`);
  const form = await formOf(sql, tables);
  const { part, migrations } = tables;
  if (form > migrations.length)
    throw new PostgresUnavailable(
      `PostgreSQL cannot be used: its tables for ${part} have form ${form}, this version of Cardea knows ${migrations.length}. ` +
        'They were used by a newer Cardea: start that one',
      undefined,
    );
  if (form === 0) await prepare(sql);
  for (const [i, migration] of [...migrations.entries()].slice(form)) {
    await sql(migration);
    await sql('INSERT INTO cardea.migrations (part, number) VALUES ($1, $2)', [part, i + 1]);
  }
}

/** How many migrations have been run. */
export async function formOf(sql: Sql, { part }: Pick<PostgresTables, 'part'>): Promise<number> {
  // Names are not looked up by to_regclass: what has once not been there, the server remembers for the rest of the transaction, whoever makes it.
  const [found] = await sql(
    `SELECT FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace AS space ON relnamespace = space.oid
    WHERE nspname = 'cardea' AND relname = 'migrations'`,
  );
  if (found === undefined) return 0;
  const [row] = await sql('SELECT coalesce(max(number), 0) AS form FROM cardea.migrations WHERE part = $1', [part]);
  return Number(row?.['form']);
}

async function prepare(sql: Sql): Promise<void> {
  const [found] = await sql(
    `SELECT current_setting('server_encoding') AS encoding, EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'cardea') AS there`,
  );
  // With another one, a name that it has no letters for could not be written, and would hold up all that follow.
  if (found?.['encoding'] !== 'UTF8')
    throw new PostgresUnavailable(
      `PostgreSQL cannot be used: the database has encoding ${String(found?.['encoding'])}; make one with UTF8`,
      undefined,
    );
  // It may be there, made by somebody who alone has the right to.
  if (found['there'] !== true) await sql('CREATE SCHEMA cardea');
  await sql(`
    CREATE TABLE IF NOT EXISTS cardea.migrations (
      part text NOT NULL,
      number integer NOT NULL,
      done_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (part, number)
    )`);
}
