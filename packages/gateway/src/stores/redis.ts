/**
 * One connection to Redis or Valkey, which fails fast and comes back by itself.
 *
 * All keys begin with `{prefix}:`. The braces make them one hash slot, because the scripts touch several keys at once.
 * Redis has to keep what it is given (`maxmemory-policy noeviction`): a revocation that it evicts is one forgotten.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Secret } from '../core/secret.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { placeOf, troubleOf } from './redis-words.ts';

export interface RedisOptions {
  /** `redis://host:6379/0`, `rediss://host:6379/0` or `unix:/run/redis.sock`; it holds no credentials. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: Secret | undefined;
  /** PEM of the authority that the server's certificate must chain to. Default: those of the system. */
  readonly ca?: string | undefined;
  readonly prefix: string;
  /** How long one command may take, from asking to the answer. */
  readonly timeoutMs: number;
  /** One line when it cannot be used, whatever the number of commands that fail. Must not throw. */
  readonly onTrouble: (message: string) => void;
  /** One line when it can be used again. */
  readonly onRecovery: (message: string) => void;
}

/** Runs at once and alone on the server; `keys` are whole names. */
export type RedisScript = (
  keys: readonly string[],
  args: readonly (string | number | Uint8Array)[],
) => Promise<unknown>;

export interface RedisConnection {
  /** The whole name of a key. */
  key(name: string): string;
  /** Counts the connections made so far: what was known by way of an earlier one may be gone from the server. */
  readonly connections: number;
  /** Calls this whenever it can be used again, with how long it could not. Must not throw. */
  onBack(listener: (awayMs: number) => void): void;
  /** Does something with it. Every failure becomes a `StoreUnavailable`. */
  run<T>(work: (redis: Redis) => Promise<T>): Promise<T>;
  script(lua: string): RedisScript;
  /** One round trip, for readiness checks. Throws `StoreUnavailable`. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Longest pause between two attempts to connect: after an outage every thread is back within a second. */
const longestPauseMs = 400;

/** Connects in the background; what is asked in the meantime waits for the first attempt, within the timeout. */
export function openRedis(options: RedisOptions): RedisConnection {
  const { timeoutMs, onTrouble, onRecovery } = options;
  const place = placeOf(options.url);
  const redis = new Redis({
    ...address(options),
    ...(options.user === undefined ? {} : { username: options.user }),
    ...(options.password === undefined ? {} : { password: options.password.reveal() }),
    // Nothing waits for a connection, and nothing is sent twice: whether a lost command took effect is not known.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: timeoutMs,
    connectTimeout: 2 * timeoutMs,
    socketTimeout: 2 * timeoutMs, // a server that hangs: from then on commands fail at once
    retryStrategy: (times) => Math.min(50 * times, longestPauseMs) * (0.75 + Math.random() / 4),
    maxLoadingRetryTime: longestPauseMs, // a server that reads its disk guesses how long that takes, and badly
    reconnectOnError: (error) => error.message.startsWith('READONLY'), // the primary has become a replica
  });
  const firstAttempt = Promise.withResolvers<void>();
  let connections = 0;
  let down = false;
  let closed = false;
  let lastError: unknown;
  /** When it was found that it cannot be used. */
  let downSince = 0;
  const listeners: ((awayMs: number) => void)[] = [];
  /** Refusals that were reported since the connection was made. */
  const reported = new Set<string>();

  redis.on('error', (error: unknown) => {
    lastError = error;
  });
  redis.on('close', () => {
    firstAttempt.resolve();
    if (!down && !closed) onTrouble(`Redis at ${place} cannot be used: ${troubleOf(lastError)}`);
    if (!down) downSince = performance.now();
    down = true;
  });
  redis.on('ready', () => {
    connections++;
    lastError = undefined;
    reported.clear();
    const wasDown = down;
    down = false;
    firstAttempt.resolve();
    if (wasDown && !closed) {
      onRecovery(`Redis at ${place} can be used again`);
      for (const listener of listeners) listener(performance.now() - downSince);
    }
    void warnOfEviction();
  });

  async function run<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    if (connections === 0 && !down) await within(firstAttempt.promise, timeoutMs);
    // The client sends some commands before the server has said that it is ready to answer them.
    if (redis.status !== 'ready') throw unavailable(lastError);
    try {
      return await work(redis);
    } catch (error) {
      if (isReply(error)) reportOnce(troubleOf(error));
      throw unavailable(isReply(error) ? error : (lastError ?? error));
    }
  }

  const unavailable = (error: unknown): StoreUnavailable =>
    new StoreUnavailable(`Redis at ${place} cannot be used: ${troubleOf(error)}`);

  /** A refusal is no outage, for the connection holds; yet somebody has to hear of it. */
  function reportOnce(trouble: string): void {
    if (!reported.has(trouble) && !closed) onTrouble(`Redis at ${place} refuses: ${trouble}`);
    reported.add(trouble);
  }

  async function warnOfEviction(): Promise<void> {
    const memory = await redis.info('memory').catch(() => ''); // not every account may ask
    const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'noeviction';
    if (policy === 'noeviction' || /^maxmemory:0\s*$/m.test(memory) || closed) return;
    onTrouble(
      `Redis at ${place} may forget what it was told (maxmemory-policy ${policy}): revoked sessions could come back to life; use noeviction`,
    );
  }

  return {
    key: (name) => `{${options.prefix}}:${name}`,
    get connections() {
      return connections;
    },
    onBack: (listener) => void listeners.push(listener),
    run,
    script(lua) {
      const sha = createHash('sha1').update(lua).digest('hex'); // Redis names scripts so
      return (keys, args) =>
        run(async (client) => {
          const rest = [...keys, ...args.map((arg) => (arg instanceof Uint8Array ? Buffer.from(arg) : arg))];
          try {
            return await client.evalsha(sha, keys.length, ...rest);
          } catch (error) {
            if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
            return client.eval(lua, keys.length, ...rest);
          }
        });
    },
    async ping() {
      await run((client) => client.ping());
    },
    async close() {
      closed = true;
      firstAttempt.resolve();
      if (redis.status === 'ready') await redis.quit().catch(() => undefined); // what is under way gets its answer
      redis.disconnect();
    },
  };
}

function address({ url, ca }: RedisOptions): object {
  if (url.startsWith('unix:')) return { path: url.slice('unix:'.length) };
  const { protocol, hostname, port, pathname } = new URL(url);
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 6379 : Number(port),
    db: Number(pathname.slice(1) || 0),
    ...(protocol === 'rediss:' ? { tls: ca === undefined ? {} : { ca } } : {}),
  };
}

/** Whether Redis itself has answered so. */
const isReply = (error: unknown): boolean => error instanceof Error && error.name === 'ReplyError';

async function within(promise: Promise<void>, ms: number): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const handle = setTimeout(timer.resolve, ms);
  await Promise.race([promise, timer.promise]);
  clearTimeout(handle);
}
