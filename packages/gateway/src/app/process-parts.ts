/**
 * What there is once in the process, however many threads serve: the database and what
 * is kept in it, the keys, the passwords with their throttle.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Writable } from 'node:stream';
import type { Logger } from 'pino';
import { boundedAudit } from '../audit/bounded.ts';
import { fanOut } from '../audit/fan-out.ts';
import { sqliteAudit } from '../audit/sqlite.ts';
import { streamAudit } from '../audit/stdout.ts';
import { localAttempts } from '../auth/local-attempts.ts';
import type { PasswordSource } from '../auth/password.ts';
import type { PasswordUser } from '../auth/password-users.ts';
import type { Loaded } from '../config/load.ts';
import type { ApiKeys } from '../ports/api-keys.ts';
import type { AuditSink } from '../ports/audit-sink.ts';
import type { Limiter } from '../ports/limiter.ts';
import type { ReplayCache } from '../ports/replay-cache.ts';
import type { Revocations } from '../ports/revocations.ts';
import type { SessionStore } from '../ports/session-store.ts';
import type { UsageLedger, UsageStore } from '../ports/usage.ts';
import { sharedStateConfig } from '../server/shared-state-config.ts';
import { stateTables } from '../server/state-tables.ts';
import { redisAttempts } from '../stores/attempts-redis.ts';
import { redisApiKeys } from '../stores/api-keys-redis.ts';
import { sqliteApiKeys } from '../stores/api-keys-sqlite.ts';
import { openDatabase } from '../stores/database.ts';
import { keyFileLook, openKeys } from '../stores/key-file.ts';
import { startKeyRotation } from '../stores/key-rotation.ts';
import { openSharedStores } from '../stores/shared-state.ts';
import { KeyRing } from '../tokens/key-ring.ts';
import type { Closers } from './closers.ts';
import { troubleLog } from './log.ts';
import { openLimiter } from './limiter.ts';
import { openPasswords } from './passwords.ts';
import { openSigning, type Signing } from './issuer.ts';
import { reader } from './read.ts';
import { noUsage, openUsage } from './usage.ts';
import { Watches } from './watches.ts';

/**
 * What a data plane asks of the process. In the main thread these are the parts themselves; in another thread each is
 * asked by messages (`contracts.ts`), so everything here answers by promises and takes plain data.
 */
export interface Shared {
  /** Whatever is good for one use: Kerberos authenticators, stream tokens, answers of providers. */
  readonly replays: ReplayCache;
  readonly sessions: SessionStore;
  readonly revocations: Revocations;
  readonly apiKeys: ApiKeys;
  /** Counts what people use, for all threads and, with Redis, for all gateways. */
  readonly limiter: Limiter;
  /** Once, so that wrong passwords count together and the memory for hashes is bounded. `undefined` when nobody signs in by password. */
  readonly passwords: PasswordSource | undefined;
  readonly audit: AuditSink;
  /** Where each request to an app with limits is noted. */
  readonly usage: UsageLedger;
  readonly changes: ChangeDesk;
}

/** Where a thread says what others have to know. */
export interface ChangeDesk {
  /** What was found out about a person up to `at` is not to be used. Resolves when the other threads know. */
  outdated(subject: string, at: number): Promise<void>;
}

export interface ProcessParts {
  readonly shared: Shared;
  readonly ring: KeyRing;
  /** The issuer's keys, where there is an issuer. */
  readonly signing: Signing | undefined;
  readonly database: DatabaseSync;
  /** `undefined` when no usage is kept. */
  readonly usage: UsageStore | undefined;
  /** Who is in the users file now. */
  users(): readonly PasswordUser[];
  /** Files that the parts above are made of. */
  readonly watches: Watches;
  /** Throws when the shared stores, where they are another program, do not answer. */
  ping(): Promise<void>;
}

export interface ProcessSurroundings {
  readonly now: () => number;
  readonly log: Logger;
  readonly auditStream: Writable;
  /** After the ring, or the issuer's, has got other keys. */
  readonly onRotated: () => void;
}

/** Opens them all. They end by `closers`. */
export function openProcessParts(
  loaded: Loaded,
  { now, log, auditStream, onRotated }: ProcessSurroundings,
  closers: Closers,
): ProcessParts {
  const { config } = loaded;
  const onTrouble = troubleLog(log);
  const database = openDatabase(config.state, stateTables);
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
  const stores = openSharedStores(sharedStateConfig(config, reader(loaded)), database, now, onTrouble, (message) =>
    log.info(message),
  );
  closers.add(() => stores.close());
  const sinks = fanOut(
    [
      ...(config.audit.stdout ? [streamAudit(auditStream, { onTrouble })] : []),
      ...(config.audit.sqlite ? [sqliteAudit({ database, retainMs: config.audit.retain, onTrouble })] : []),
    ],
    onTrouble,
  );
  const audit = boundedAudit(sinks);
  closers.add(() => audit.close());
  const { claims: replays, sessions, revocations, redis } = stores;
  const attempts = redis === undefined ? localAttempts() : redisAttempts(redis, localAttempts());
  const watches = new Watches();
  closers.add(() => watches.close());
  const passwords = openPasswords(loaded, { database, attempts, log, watches }, closers);
  const apiKeys = redis === undefined ? sqliteApiKeys(database) : redisApiKeys(redis);
  const limiter = openLimiter(stores, { now, log, audit });
  closers.add(() => limiter.close());
  const signing = openSigning(loaded, { ring, database, redis, now, log, onChanged: onRotated }, closers);
  const onRecovery = (message: string): void => log.info(message);
  const usage = openUsage(loaded, database, { onTrouble, onRecovery }, closers);
  return {
    signing,
    usage,
    shared: {
      replays,
      sessions,
      revocations,
      apiKeys,
      limiter,
      passwords: passwords?.source,
      audit,
      usage: usage ?? noUsage,
      changes: nobodyElse,
    },
    ring,
    database,
    users: () => passwords?.users() ?? loaded.users,
    watches,
    ping: () => stores.ping(),
  };
}

/** One thread has nobody to tell; the supervisor tells those that it has. */
const nobodyElse: ChangeDesk = { outdated: async () => {} };
