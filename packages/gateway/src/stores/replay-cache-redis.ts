/**
 * Single-use claims in Redis, shared by all replicas.
 *
 * `SET NX` with an expiry by Redis's own clock would do, were it not for two things: the clocks
 * of Redis and the gateway differ, and Redis may restart empty. So the expiry is kept as the value and compared
 * by the gateway's clock, Redis forgets later than that, and what this process has won is written back to an
 * emptied Redis (see `redis-life.ts`). A failover to a replica that lags behind can lose the claims of that lag.
 *
 * @module
 */
import type { ReplayCache } from '../ports/replay-cache.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { RedisConnection } from './redis.ts';
import type { RedisLife } from './redis-life.ts';

/** Redis keeps a claim longer by this much, for gateways whose clocks are late. */
const marginMs = 60_000;
const restoreAtOnce = 500;
/** Claims of this process that are written back at most; the oldest are forgotten first. */
const maxRemembered = 100_000;
const sweepEvery = 4_096;

const claimLua = `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
  local held = redis.call('GET', KEYS[2])
  if held and tonumber(held) > tonumber(ARGV[3]) then return 0 end
  redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
  return 1
`;

const restoreLua = `
  for i, key in ipairs(KEYS) do
    local held = redis.call('GET', key)
    if not held or tonumber(held) < tonumber(ARGV[2 * i - 1]) then
      redis.call('SET', key, ARGV[2 * i - 1], 'PX', ARGV[2 * i])
    end
  end
`;

/** Claims on `redis`, which stays open when the cache is closed. `now`: milliseconds since the epoch. */
export function redisReplayCache(redis: RedisConnection, life: RedisLife, now: () => number): ReplayCache {
  const claim = redis.script(claimLua);
  const restore = redis.script(restoreLua);
  const won = new Map<string, number>();
  let sinceSweep = 0;
  let closed = false;

  const keptMs = (expiresAt: number, moment: number): number => expiresAt - moment + marginMs;

  function remember(name: string, expiresAt: number, moment: number): void {
    won.delete(name);
    won.set(name, expiresAt);
    if (++sinceSweep >= sweepEvery) {
      sinceSweep = 0;
      for (const [key, end] of won) if (end <= moment) won.delete(key);
    }
    if (won.size <= maxRemembered) return;
    for (const oldest of won.keys()) {
      won.delete(oldest);
      return;
    }
  }

  life.onNewLife(async () => {
    const moment = Math.floor(now());
    const live = [...won].filter(([, expiresAt]) => expiresAt > moment);
    for (let i = 0; i < live.length; i += restoreAtOnce) {
      const batch = live.slice(i, i + restoreAtOnce);
      await restore(
        batch.map(([name]) => name),
        batch.flatMap(([, expiresAt]) => [expiresAt, keptMs(expiresAt, moment)]),
      );
    }
  });

  return {
    async claim(key, expiresAt) {
      if (closed) throw new Error('Cannot claim: the replay cache is closed');
      const moment = Math.floor(now());
      if (expiresAt <= moment) return false; // it could not be remembered
      const end = Math.ceil(expiresAt);
      const name = redis.key(`claim:${key}`);
      for (let attempt = 0; attempt < 2; attempt++) {
        const args = [await life.settled(), end, moment, keptMs(end, moment)];
        const answer = await claim([life.key, name], args);
        if (answer === 1) remember(name, end, moment);
        if (answer !== -1) return answer === 1;
        life.saw(''); // not the life it was: find out, write back, and ask once more
      }
      throw new StoreUnavailable('Cannot claim: Redis has lost its memory twice');
    },
    close() {
      closed = true;
      won.clear();
    },
  };
}
