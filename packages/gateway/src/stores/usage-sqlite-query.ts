import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import {
  mostUsageRows,
  type UsageAnswer,
  type UsageDimension,
  type UsageQuestion,
  type UsageSum,
} from '../ports/usage.ts';

type Row = Readonly<Record<string, SQLOutputValue>>;

/** What of a record is the key of its row. */
const keys: Readonly<Record<UsageDimension, string>> = {
  person: 'coalesce(account, subject)',
  group: 'one_group.value',
  model: 'model',
  app: 'app',
  tier: 'tier',
  day: "strftime('%Y-%m-%d', time / 1000, 'unixepoch')",
};

/** Answers a question from the table `usage`. One look at the table as it is at this moment. */
export function queryUsage(database: DatabaseSync, question: UsageQuestion): UsageAnswer {
  database.exec('BEGIN');
  try {
    const total = sumsBy(database, 'NULL', question)[0]?.sum ?? emptySum;
    const rows = sumsBy(database, keys[question.by], question);
    const sorted = question.by === 'day' ? rows : rows.toSorted((a, b) => weight(b.sum) - weight(a.sum));
    const limit = Math.min(question.limit ?? mostUsageRows, mostUsageRows);
    return {
      rows: sorted.slice(0, limit).map(({ key, sum }) => ({ key, ...sum })),
      leftOut: Math.max(0, sorted.length - limit),
      total,
    };
  } finally {
    database.exec('COMMIT');
  }
}

interface KeyedSum {
  readonly key: string | undefined;
  readonly sum: UsageSum;
}

function sumsBy(database: DatabaseSync, key: string, { since, until, app }: UsageQuestion): readonly KeyedSum[] {
  const groups = key === keys.group ? 'LEFT JOIN json_each(tier_groups) AS one_group' : '';
  const picked = `
    WITH picked AS (
      SELECT ${key} AS key, usage.* FROM usage ${groups}
      WHERE time >= :since AND time < :until AND (:app IS NULL OR app = :app)
    )`;
  const ask = (select: string): readonly Row[] =>
    database.prepare(picked + select).all({ since, until, app: app ?? null });

  const sums = ask(`
    SELECT key,
      count(*) AS requests,
      count(refusal) AS refused,
      coalesce(sum(refusal IS NULL AND (status IS NULL OR status >= 400)), 0) AS failed,
      coalesce(sum(tokens_in), 0) AS tokens_in,
      coalesce(sum(tokens_out), 0) AS tokens_out,
      coalesce(sum(estimated), 0) AS estimated,
      coalesce(sum(duration_ms), 0) AS duration_ms,
      coalesce(sum(bytes_in), 0) AS bytes_in,
      coalesce(sum(bytes_out), 0) AS bytes_out
    FROM picked GROUP BY key ORDER BY key`);
  // The nearest rank: the first value that no less than the wanted share of all values is at or below.
  const waits = byKey(
    ask(`
    , ranked AS (
      SELECT key, first_token_ms,
        row_number() OVER (PARTITION BY key ORDER BY first_token_ms) AS place,
        count(*) OVER (PARTITION BY key) AS all_of_them
      FROM picked WHERE first_token_ms IS NOT NULL
    )
    SELECT key,
      max(first_token_ms) FILTER (WHERE place = (all_of_them * 50 + 99) / 100) AS p50,
      max(first_token_ms) FILTER (WHERE place = (all_of_them * 95 + 99) / 100) AS p95
    FROM ranked GROUP BY key`),
  );
  const refusals = byKey(
    ask('SELECT key, refusal, count(*) AS requests FROM picked WHERE refusal IS NOT NULL GROUP BY key, refusal'),
  );
  return sums.map((row) => {
    const count = (name: string): number => Number(row[name]);
    const [wait] = waits.get(row['key']) ?? [];
    return {
      key: row['key'] === null ? undefined : String(row['key']),
      sum: {
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
          (refusals.get(row['key']) ?? []).map((one) => [String(one['refusal']), Number(one['requests'])]),
        ),
      },
    };
  });
}

const byKey = (rows: readonly Row[]): ReadonlyMap<SQLOutputValue | undefined, readonly Row[]> =>
  Map.groupBy(rows, (row) => row['key']);

/** Tokens first; a request weighs less than one. */
const weight = (sum: UsageSum): number => sum.tokensIn + sum.tokensOut + sum.requests / 1e12;

const emptySum: UsageSum = {
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
