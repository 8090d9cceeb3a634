import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { readUsageQuestion, usageData, usageQuestionNames } from '../cli/usage-question.ts';
import type { Loaded } from '../config/load.ts';
import type { UsageLedger, UsageStore } from '../ports/usage.ts';
import { AdminUsage } from '../server/admin-usage.ts';
import { usagePostgresConfig } from '../server/usage-postgres-config.ts';
import { postgresUsage } from '../stores/usage-postgres.ts';
import { sqliteUsage } from '../stores/usage-sqlite.ts';
import { askUsageInThread } from '../stores/usage-sqlite-thread.ts';
import type { Closers } from './closers.ts';
import type { OnTrouble } from './log.ts';
import { reader } from './read.ts';

/** A question about very many records may take its time; nobody waits longer than this. */
const ANSWER_MS = 60_000;

/** Where usage is kept; `undefined` when it is not. Ends by `closers`. */
export function openUsage(
  loaded: Loaded,
  database: DatabaseSync,
  { onTrouble, onRecovery }: { readonly onTrouble: OnTrouble; readonly onRecovery: (message: string) => void },
  closers: Closers,
): UsageStore | undefined {
  const { config } = loaded;
  if (config.usage === false) return undefined;
  const postgres = usagePostgresConfig(config, reader(loaded));
  if (postgres !== undefined) {
    const shared = postgresUsage({ postgres, retainMs: config.usage.retain, onTrouble, onRecovery });
    closers.add(() => shared.close());
    return shared;
  }
  const path = join(config.state, 'cardea.sqlite');
  const stopping = new AbortController();
  const store = sqliteUsage({
    database,
    retainMs: config.usage.retain,
    onTrouble,
    ask: (question) =>
      askUsageInThread(path, question, AbortSignal.any([stopping.signal, AbortSignal.timeout(ANSWER_MS)])),
  });
  closers.add(() => store.close());
  closers.add(() => stopping.abort());
  return store;
}

/** Keeps nothing. */
export const noUsage: UsageLedger = { record: () => {}, close: async () => {} };

/** `GET /api/usage`: the question and the answer are those of `cardea usage --json`. */
export function adminUsage(
  { config }: Pick<Loaded, 'config'>,
  store: UsageStore | undefined,
  now: () => number,
): AdminUsage {
  return new AdminUsage({
    token: config.admin === false ? undefined : config.admin.token,
    names: usageQuestionNames,
    answer:
      store &&
      (async (texts) => {
        const question = readUsageQuestion((name) => texts.get(name), now());
        return typeof question === 'string' ? question : usageData(question, await store.query(question));
      }),
  });
}
