import { auditTables } from '../audit/sqlite.ts';
import { apiKeyTables } from '../stores/api-keys-sqlite.ts';
import { replayCacheTables } from '../stores/replay-cache-sqlite.ts';
import { revocationTables } from '../stores/revocations-sqlite.ts';
import { sessionTables } from '../stores/session-store-sqlite.ts';
import { signingKeyTables } from '../stores/signing-keys-sqlite.ts';
import { strongerHashTables } from '../stores/stronger-hashes-sqlite.ts';
import { usageTables } from '../stores/usage-sqlite.ts';

/** The history of the database, oldest first, for `openDatabase`; the gateway and the commands have to agree. Append only. */
export const stateTables: readonly string[] = [
  auditTables,
  replayCacheTables,
  revocationTables,
  sessionTables,
  apiKeyTables,
  strongerHashTables,
  signingKeyTables,
  usageTables,
];
