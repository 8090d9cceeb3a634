import type { Loaded } from '../config/load.ts';
import type { UsageAnswer, UsageQuestion } from '../ports/usage.ts';
import { usagePostgresConfig } from '../server/usage-postgres-config.ts';
import { openPostgres } from '../stores/postgres.ts';
import { queryPostgresUsage } from '../stores/usage-postgres.ts';
import { queryUsage } from '../stores/usage-sqlite-query.ts';
import { openState } from './open-state.ts';

/**
 * Asks where a gateway with this configuration keeps its usage. A string says why there is nothing to ask. Throws `StateError` and
 * `StoreUnavailable`.
 */
export async function askUsage(
  loaded: Loaded,
  question: UsageQuestion,
  now: () => number,
): Promise<UsageAnswer | string> {
  const { config, files } = loaded;
  if (config.usage === false) return 'no usage is kept: usage is false in the configuration';
  const options = usagePostgresConfig(config, (path) => {
    const file = files.read(path);
    if (file.kind === 'wrong') throw new Error(`Cannot read file: ${file.message}`);
    return file.value;
  });
  if (options !== undefined) {
    const postgres = openPostgres(options);
    try {
      return await queryPostgresUsage(postgres, question);
    } finally {
      await postgres.close();
    }
  }
  const state = openState(loaded, now, () => {});
  try {
    if (state.database === undefined) return `there is no database in ${config.state}: no gateway has run here with it`;
    return queryUsage(state.database, question);
  } finally {
    await state.close();
  }
}
