import { after, before } from 'node:test';
import { noRedis, startRedis, type TestRedis } from '../redis.ts';
import { openRedis, type RedisConnection, type RedisOptions } from '../../src/stores/redis.ts';

/** A connection to the test's Redis, and what it has said. */
export interface TestConnection {
  readonly redis: RedisConnection;
  readonly trouble: string[];
  readonly recovery: string[];
}

/** A Redis for a test file, and connections to it that are closed at the end. */
export interface RedisForTests {
  readonly server: TestRedis;
  /** Another connection; default prefix: one of its own. */
  readonly connect: (options?: Partial<RedisOptions>) => TestConnection;
}

/** Starts one before the tests of a file and ends it after them; nothing happens where there is no Redis. */
export function redisForTests(): RedisForTests {
  let server: TestRedis | undefined;
  let count = 0;
  const open: RedisConnection[] = [];
  before(async () => {
    if (noRedis === false) server = await startRedis();
  });
  after(async () => {
    for (const connection of open) await connection.close();
    await server?.close();
  });
  function running(): TestRedis {
    if (server === undefined) throw new Error('Cannot use Redis: it has not been started');
    return server;
  }
  return {
    get server() {
      return running();
    },
    connect(options = {}) {
      const trouble: string[] = [];
      const recovery: string[] = [];
      const redis = openRedis({
        url: running().url,
        prefix: `test-${count++}`,
        timeoutMs: 2_000,
        onTrouble: (message) => trouble.push(message),
        onRecovery: (message) => recovery.push(message),
        ...options,
      });
      open.push(redis);
      return { redis, trouble, recovery };
    },
  };
}
