import type { DatabaseSync } from 'node:sqlite';
import type { UsageAnswer, UsageQuestion } from '../ports/usage.ts';
import { answerOf, sumStatements, type UsageDialect } from './usage-sums.ts';

const sqlite: UsageDialect = {
  table: 'usage',
  keys: {
    person: 'coalesce(account, subject)',
    group: 'one_group.value',
    model: 'model',
    app: 'app',
    tier: 'tier',
    day: "strftime('%Y-%m-%d', time / 1000, 'unixepoch')",
  },
  groups: 'LEFT JOIN json_each(tier_groups) AS one_group',
  since: ':since',
  until: ':until',
  app: ':app',
};

/** Answers a question from the table `usage`. One look at the table as it is at this moment. */
export function queryUsage(database: DatabaseSync, question: UsageQuestion): UsageAnswer {
  const { since, until, app = null, by } = question;
  const ask = (statement: string) => database.prepare(statement).all({ since, until, app });
  const askAll = (dimension?: UsageQuestion['by']) => {
    const { sums, waits, refusals } = sumStatements(sqlite, dimension);
    return { sums: ask(sums), waits: ask(waits), refusals: ask(refusals) };
  };
  database.exec('BEGIN');
  try {
    return answerOf(question, askAll(), askAll(by));
  } finally {
    database.exec('COMMIT');
  }
}
