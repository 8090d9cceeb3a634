import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Loaded } from '../config/load.ts';
import { sharedStateConfig } from '../server/shared-state-config.ts';
import { stateTables } from '../server/state-tables.ts';
import { openDatabase } from '../stores/database.ts';
import { openSharedStores, type SharedStores } from '../stores/shared-state.ts';

/** What a gateway with this configuration keeps, for a command beside it. */
export interface OpenState {
  readonly stores: SharedStores;
  /** `undefined` where no gateway has run on this machine: a command makes no database, which would then be its own user's. */
  readonly database: DatabaseSync | undefined;
  close(): Promise<void>;
}

/** Opens it, whether the gateway runs or not. Throws `StateError`. */
export function openState(
  { config, files }: Loaded,
  now: () => number,
  onTrouble: (message: string) => void,
): OpenState {
  const there = existsSync(join(config.state, 'cardea.sqlite'));
  const database = there ? openDatabase(config.state, stateTables) : new DatabaseSync(':memory:');
  if (!there) for (const tables of stateTables) database.exec(tables);
  const read = (path: string): Uint8Array => {
    const file = files.read(path);
    if (file.kind === 'wrong') throw new Error(`Cannot read file: ${file.message}`);
    return file.value;
  };
  const stores = openSharedStores(sharedStateConfig(config, read), database, now, onTrouble, () => {});
  return {
    stores,
    database: there ? database : undefined,
    async close() {
      await stores.close();
      database.close();
    },
  };
}
