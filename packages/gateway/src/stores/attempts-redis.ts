/**
 * Attempts in Redis, so that all replicas count together. This process counts as well, and its own count is what holds while
 * Redis cannot be asked, or has forgotten.
 *
 * Redis has only hashes of the names and addresses, and forgets each with its window.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { Attempts, Limited } from '../ports/attempts.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { RedisConnection } from './redis.ts';

/** For each key its limit and window. Gives how long to wait; 0 when all have been counted. */
const beginLua = `
  local wait = 0
  for i, key in ipairs(KEYS) do
    if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[2 * i - 1]) then
      wait = math.max(wait, redis.call('PTTL', key), 1)
    end
  end
  if wait > 0 then return wait end
  for i, key in ipairs(KEYS) do
    if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[2 * i]) end
  end
  return 0
`;

/** For each key what becomes of it: "clear" or "forgive". */
const releaseLua = `
  for i, key in ipairs(KEYS) do
    local count = tonumber(redis.call('GET', key) or '0')
    if ARGV[i] == 'clear' or count <= 1 then redis.call('DEL', key) else redis.call('DECR', key) end
  end
`;

/** Attempts on `redis`; `local` counts in this process. */
export function redisAttempts(redis: RedisConnection, local: Attempts): Attempts {
  const begin = redis.script(beginLua);
  const release = redis.script(releaseLua);
  const keyOf = ({ kind, key }: Limited): string =>
    redis.key(`attempts:${kind}:${createHash('sha256').update(key).digest('base64url')}`);

  return {
    async begin(limited, now) {
      const own = await local.begin(limited, now);
      if (own > 0) return own;
      let wait: number;
      try {
        const args = limited.flatMap(({ limit, windowMs }) => [limit, Math.ceil(windowMs)]);
        wait = Number(await begin(limited.map(keyOf), args));
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        return 0;
      }
      // It is not made, and so it is no attempt here either.
      if (wait > 0) await local.release({ forgive: limited, clear: [] });
      return wait;
    },
    async release({ forgive, clear }) {
      await local.release({ forgive, clear });
      try {
        const words = [...forgive.map(() => 'forgive'), ...clear.map(() => 'clear')];
        if (words.length > 0) await release([...forgive, ...clear].map(keyOf), words);
      } catch (error) {
        // The attempt counts for the rest of its window.
        if (!(error instanceof StoreUnavailable)) throw error;
      }
    },
  };
}
