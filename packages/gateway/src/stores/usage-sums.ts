/**
 * Sums of usage, for stores that understand SQL: the statements, which differ in a few words, and what is made of their rows.
 *
 * @module
 */
import {
  mostUsageRows,
  type UsageAnswer,
  type UsageDimension,
  type UsageQuestion,
  type UsageRow,
  type UsageSum,
} from '../ports/usage.ts';

type Row = Readonly<Record<string, unknown>>;

/** How one database says it. */
export interface UsageDialect {
  readonly table: string;
  /** What of a record is the key of its row. */
  readonly keys: Readonly<Record<UsageDimension, string>>;
  /** Joins each record with each of its groups, and once with none when it has none. */
  readonly groups: string;
  /** Where the values of the question go. */
  readonly since: string;
  readonly until: string;
  readonly app: string;
}

/** The statements that together give sums by one key, and their rows. */
export interface ForSums<T> {
  readonly sums: T;
  readonly waits: T;
  readonly refusals: T;
}

/** The statements for sums by this dimension; without one: for the total. */
export function sumStatements(dialect: UsageDialect, by?: UsageDimension): ForSums<string> {
  const { table, keys, groups, since, until, app } = dialect;
  const picked = `
    WITH picked AS (
      SELECT ${by === undefined ? 'CAST(NULL AS TEXT)' : keys[by]} AS key, usage.*
      FROM ${table} AS usage ${by === 'group' ? groups : ''}
      WHERE time >= ${since} AND time < ${until} AND (${app} IS NULL OR app = ${app})
    )`;
  return {
    sums: `${picked}
      SELECT key,
        count(*) AS requests,
        count(refusal) AS refused,
        count(*) FILTER (WHERE refusal IS NULL AND (status IS NULL OR status >= 400)) AS failed,
        coalesce(sum(tokens_in), 0) AS tokens_in,
        coalesce(sum(tokens_out), 0) AS tokens_out,
        coalesce(sum(estimated), 0) AS estimated,
        coalesce(sum(duration_ms), 0) AS duration_ms,
        coalesce(sum(bytes_in), 0) AS bytes_in,
        coalesce(sum(bytes_out), 0) AS bytes_out
      FROM picked GROUP BY key`,
    // The nearest rank: the first value that no less than the wanted share of all values is at or below.
    waits: `${picked}, ranked AS (
        SELECT key, first_token_ms,
          row_number() OVER (PARTITION BY key ORDER BY first_token_ms) AS place,
          count(*) OVER (PARTITION BY key) AS all_of_them
        FROM picked WHERE first_token_ms IS NOT NULL
      )
      SELECT key,
        max(first_token_ms) FILTER (WHERE place = (all_of_them * 50 + 99) / 100) AS p50,
        max(first_token_ms) FILTER (WHERE place = (all_of_them * 95 + 99) / 100) AS p95
      FROM ranked GROUP BY key`,
    refusals: `${picked}
      SELECT key, refusal, count(*) AS requests FROM picked WHERE refusal IS NOT NULL GROUP BY key, refusal`,
  };
}

/** The answer, from the rows of both. */
export function answerOf(
  question: UsageQuestion,
  total: ForSums<readonly Row[]>,
  sums: ForSums<readonly Row[]>,
): UsageAnswer {
  const rows = readSums(sums).toSorted((a, b) => {
    const heavier = question.by === 'day' ? 0 : weight(b) - weight(a);
    return heavier === 0 ? compare(a.key ?? '', b.key ?? '') : heavier;
  });
  const limit = Math.min(question.limit ?? mostUsageRows, mostUsageRows);
  const [whole] = readSums(total);
  const { key: _, ...sum } = whole ?? nothing;
  return { rows: rows.slice(0, limit), leftOut: Math.max(0, rows.length - limit), total: sum };
}

function readSums({ sums, waits, refusals }: ForSums<readonly Row[]>): readonly UsageRow[] {
  const waitsOf = Map.groupBy(waits, (row) => row['key']);
  const refusalsOf = Map.groupBy(refusals, (row) => row['key']);
  return sums.map((row): UsageRow => {
    const count = (name: string): number => Number(row[name]);
    const [wait] = waitsOf.get(row['key']) ?? [];
    return {
      key: typeof row['key'] === 'string' ? row['key'] : undefined,
      requests: count('requests'),
      refused: count('refused'),
      failed: count('failed'),
      tokensIn: count('tokens_in'),
      tokensOut: count('tokens_out'),
      estimated: count('estimated'),
      firstTokenP50Ms: wait && Number(wait['p50']),
      firstTokenP95Ms: wait && Number(wait['p95']),
      durationMs: count('duration_ms'),
      bytesIn: count('bytes_in'),
      bytesOut: count('bytes_out'),
      refusals: Object.fromEntries(
        (refusalsOf.get(row['key']) ?? []).map((one) => [String(one['refusal']), Number(one['requests'])]),
      ),
    };
  });
}

/** Tokens first; a request weighs less than one. */
const weight = (sum: UsageSum): number => sum.tokensIn + sum.tokensOut + sum.requests / 1e12;

/** By code units: no two databases sort texts alike. */
const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const nothing: UsageRow = {
  key: undefined,
  requests: 0,
  refused: 0,
  failed: 0,
  tokensIn: 0,
  tokensOut: 0,
  estimated: 0,
  firstTokenP50Ms: undefined,
  firstTokenP95Ms: undefined,
  durationMs: 0,
  bytesIn: 0,
  bytesOut: 0,
  refusals: {},
};
