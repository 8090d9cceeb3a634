/**
 * What there is once in the process, however many threads serve: the database and what
 * is kept in it, the keys, the passwords with their throttle.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Writable } from 'node:stream';
import type { Logger } from 'pino';
import { fanOut } from '../audit/fan-out.ts';
import { auditTables, sqliteAudit } from '../audit/sqlite.ts';
import { streamAudit } from '../audit/stdout.ts';
import { type PasswordSource, passwordSource } from '../auth/password.ts';
import type { Loaded } from '../config/load.ts';
import type { AuditSink } from '../ports/audit-sink.ts';
import type { ReplayCache } from '../ports/replay-cache.ts';
import { openDatabase } from '../stores/database.ts';
import { keyFileLook, openKeys } from '../stores/key-file.ts';
import { startKeyRotation } from '../stores/key-rotation.ts';
import { replayCacheTables, sqliteReplayCache } from '../stores/replay-cache-sqlite.ts';
import { KeyRing } from '../tokens/key-ring.ts';
import type { Closers } from './closers.ts';
import { troubleLog } from './log.ts';

/**
 * What a data plane asks of the process. In the main thread these are the parts themselves; in another thread each is
 * asked by messages (`contracts.ts`), so everything here answers by promises and takes plain data.
 */
export interface Shared {
  readonly replays: ReplayCache;
  /** Once, so that wrong passwords count together and the memory for hashes is bounded. `undefined` when nobody signs in by password. */
  readonly passwords: PasswordSource | undefined;
  readonly audit: AuditSink;
}

export interface ProcessParts {
  readonly shared: Shared;
  readonly ring: KeyRing;
  readonly database: DatabaseSync;
}

export interface ProcessSurroundings {
  readonly now: () => number;
  readonly log: Logger;
  readonly auditStream: Writable;
  /** After the ring has got new keys. */
  readonly onRotated: () => void;
}

/** Opens them all. They end by `closers`. */
export function openProcessParts(
  { config, users }: Loaded,
  { now, log, auditStream, onRotated }: ProcessSurroundings,
  closers: Closers,
): ProcessParts {
  const onTrouble = troubleLog(log);
  const database = openDatabase(config.state, [auditTables, replayCacheTables]);
  closers.add(() => database.close());
  const ring = new KeyRing(openKeys(config.state, now()), keyFileLook(config.state, onTrouble));
  const rotation = startKeyRotation({
    state: config.state,
    ring,
    everyMs: config.session.key_rotation,
    longestUseMs: config.session.lifetime,
    now,
    onRotated: (key) => {
      log.info({ key }, 'A new key seals sessions from now on');
      onRotated();
    },
    onTrouble,
  });
  closers.add(() => rotation.close());
  const replays = sqliteReplayCache(database, now);
  closers.add(() => replays.close());
  const audit = fanOut(
    [
      ...(config.audit.stdout ? [streamAudit(auditStream, { onTrouble })] : []),
      ...(config.audit.sqlite ? [sqliteAudit({ database, retainMs: config.audit.retain, onTrouble })] : []),
    ],
    onTrouble,
  );
  closers.add(() => audit.close());
  const passwords = config.sign_in.some(({ password }) => password !== undefined)
    ? passwordSource({ users, lifetimeMs: config.session.lifetime })
    : undefined;
  return { shared: { replays, passwords, audit }, ring, database };
}
