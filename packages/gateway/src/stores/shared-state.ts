/**
 * What all threads and replicas have in common, on the backends that were chosen: with
 * `redis` it lies there, else in the database of this machine.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { RevocationList } from '../auth/revocation-list.ts';
import type { ReplayCache } from '../ports/replay-cache.ts';
import type { Revocations } from '../ports/revocations.ts';
import type { SessionStore } from '../ports/session-store.ts';
import { openRedis, type RedisConnection, type RedisOptions } from './redis.ts';
import { type RedisLife, redisLife } from './redis-life.ts';
import { redisReplayCache } from './replay-cache-redis.ts';
import { sqliteReplayCache } from './replay-cache-sqlite.ts';
import { redisRevocations } from './revocations-redis.ts';
import { sqliteRevocations } from './revocations-sqlite.ts';
import { redisSessionStore } from './session-store-redis.ts';
import { sqliteSessionStore } from './session-store-sqlite.ts';

export interface SharedStateConfig {
  /** Without: everything lies in the database. */
  readonly redis: Omit<RedisOptions, 'onTrouble' | 'onRecovery'> | undefined;
  /** `cookie`: where `redis` says. */
  readonly sessionStore: 'cookie' | 'sqlite' | 'redis';
  /** How long an emptied Redis waits to be told by everybody what they know; default 2 s. */
  readonly settleMs?: number;
}

/** The stores alone, for commands that look at them once. */
export interface SharedStores {
  readonly sessions: SessionStore;
  readonly revocations: Revocations;
  readonly claims: ReplayCache;
  /** For further stores, such as API keys; `undefined` without Redis. */
  readonly redis: RedisConnection | undefined;
  readonly life: RedisLife | undefined;
  /** Throws `StoreUnavailable` when Redis, if there is one, does not answer. */
  ping(): Promise<void>;
  /** The database stays open. */
  close(): Promise<void>;
}

export interface SharedState extends Omit<SharedStores, 'revocations'> {
  /** It has begun to read; see `RevocationList.whenReady`. */
  readonly revocations: RevocationList;
}

type Say = (message: string) => void;

/** Opens the stores. Never throws because Redis is down: it goes on trying. */
export function openSharedStores(
  { redis: options, sessionStore, settleMs }: SharedStateConfig,
  database: DatabaseSync,
  now: () => number,
  onTrouble: Say,
  onRecovery: Say = onTrouble,
): SharedStores {
  if (sessionStore === 'redis' && options === undefined)
    throw new RangeError('Cannot open sessions: they are to lie in Redis, and there is none');
  const redis = options && openRedis({ ...options, onTrouble, onRecovery });
  const life = redis && redisLife(redis, settleMs);
  const inRedis = redis !== undefined && sessionStore !== 'sqlite';
  const sessions = inRedis ? redisSessionStore(redis, now) : sqliteSessionStore(database, now);
  const shared = redis !== undefined && life !== undefined;
  const revocations = shared ? redisRevocations(redis, life, now) : sqliteRevocations(database, now);
  const claims = shared ? redisReplayCache(redis, life, now) : sqliteReplayCache(database, now);
  return {
    sessions,
    revocations,
    claims,
    redis,
    life,
    ping: async () => redis?.ping(),
    async close() {
      await claims.close();
      await sessions.close();
      await revocations.close();
      await redis?.close();
    },
  };
}

/** As `openSharedStores`, with this thread's copy of what is revoked. */
export function openSharedState(
  config: SharedStateConfig,
  database: DatabaseSync,
  now: () => number,
  onTrouble: Say,
  onRecovery: Say = onTrouble,
): SharedState {
  const stores = openSharedStores(config, database, now, onTrouble, onRecovery);
  const revocations = new RevocationList({ store: stores.revocations, now, onTrouble, onRecovery });
  return {
    ...stores,
    revocations,
    async close() {
      await revocations.close(); // writes what is not written yet
      await stores.close();
    },
  };
}
