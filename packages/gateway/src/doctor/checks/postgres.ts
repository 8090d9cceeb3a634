import { usagePostgresConfig } from '../../server/usage-postgres-config.ts';
import { openPostgres, type Postgres } from '../../stores/postgres.ts';
import { formOf } from '../../stores/postgres-tables.ts';
import { postgresUsageTables } from '../../stores/usage-postgres.ts';
import { type Check, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';

/** Beyond this, sums by day and what is kept how long are visibly wrong. */
const tolerableMs = 60_000;

/** Where usage is kept, if it is not here. */
export const postgres: Check = {
  id: 'postgres',
  title: 'PostgreSQL takes what people have used',
  sides: ['gateway'],
  finds: {
    'postgres-connect': 'PostgreSQL cannot be reached, or refuses the role, the password or the certificate',
    'postgres-tables':
      'its tables are those of a newer Cardea, or the role may not use them (`unknown`: there are none yet)',
    'postgres-clock':
      "its clock and this machine's differ by more than a minute: old records stay too long, or go too early",
  },
  async run(env) {
    const options = usagePostgresConfig(env.loaded.config, (path) => {
      const file = env.loaded.files.read(path);
      return file.kind === 'ok' ? file.value : Buffer.of(); // told by the configuration check
    });
    if (options === undefined) return [];
    const connection = openPostgres({ ...options, timeoutMs: Math.max(options.timeoutMs, 1_000) });
    const about = { about: connection.place };
    const connect = {
      id: 'postgres-connect',
      ...about,
      tried: `a transaction in the database ${options.place.database}`,
    };
    try {
      const clock = await judgeClock(connection, env.now);
      return [pass({ ...connect, seen: 'it answers' }), await judgeTables(connection), clock];
    } catch (error) {
      const todo = 'Correct usage.postgres in the configuration, or start the server. Requests go on meanwhile.';
      return [fail({ ...connect, seen: reasonOf(error) }, todo)];
    } finally {
      await connection.close();
    }
  },
};

async function judgeClock(connection: Postgres, now: () => number): Promise<Finding> {
  const about = { id: 'postgres-clock', about: connection.place, tried: 'its time' };
  const off = await connection.transaction(async (sql) => {
    const before = now();
    const [row] = await sql('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now');
    return Number(row?.['now']) - (before + now()) / 2;
  });
  const seen = { ...about, seen: `it differs by ${(Math.abs(off) / 1000).toFixed(1)} s` };
  return Math.abs(off) <= tolerableMs ? pass(seen) : fail(seen, 'Let both machines set their clocks by NTP.');
}

async function judgeTables(connection: Postgres): Promise<Finding> {
  const about = { id: 'postgres-tables', about: connection.place, tried: 'their form, and the rights of the role' };
  const { part, migrations } = postgresUsageTables;
  const known = migrations.length;
  const refused = { ...about, seen: 'the role may not use them' };
  const todo = 'Give the role the schema cardea and all in it: docs/usage.md has the statements.';
  const [form, may] = await connection.transaction(async (sql): Promise<readonly [number, boolean]> => {
    const [schema] = await sql(
      `SELECT to_regnamespace('cardea') IS NULL OR has_schema_privilege('cardea', 'USAGE') AS may`,
    );
    if (schema?.['may'] !== true) return [0, false];
    const there = await formOf(sql, { part });
    if (there === 0) return [0, true];
    const [rights] = await sql(
      `SELECT bool_and(has_table_privilege('cardea.usage', name)) AS may FROM unnest(ARRAY['SELECT', 'INSERT', 'DELETE', 'UPDATE']) AS name`,
    );
    return [there, rights?.['may'] === true];
  });
  if (!may) return fail(refused, todo);
  if (form === 0) return unknown({ ...about, seen: 'there are none yet' }, 'Start the gateway once, and try again.');
  if (form > known)
    return fail({ ...about, seen: `form ${form}, this version knows ${known}` }, 'Start the newer Cardea instead.');
  return pass({ ...about, seen: `form ${form} of ${known}` });
}
