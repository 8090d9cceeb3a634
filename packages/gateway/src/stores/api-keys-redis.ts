import type { ApiKey, ApiKeys } from '../ports/api-keys.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { apiKeyRecord, readApiKeyRecord } from './api-key-record.ts';
import type { RedisConnection } from './redis.ts';

/** One hash for each key, and a set of all ids. Nothing of it ever expires. */
const create = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'used', ARGV[3], 'revoked', ARGV[4])
redis.call('SADD', KEYS[2], ARGV[1])
return 1`;

const revoke = `
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HGET', KEYS[1], 'revoked') ~= '' then return 0 end
redis.call('HSET', KEYS[1], 'revoked', ARGV[1])
return 1`;

const used = `
for i, key in ipairs(KEYS) do
  local before = redis.call('HGET', key, 'used')
  if before and (tonumber(before) or 0) < tonumber(ARGV[i]) then redis.call('HSET', key, 'used', ARGV[i]) end
end`;

/** API keys in Redis, whose connection stays open when this is closed. Every operation may throw `StoreUnavailable`. */
export function redisApiKeys(redis: RedisConnection): ApiKeys {
  const [creating, revoking, using] = [redis.script(create), redis.script(revoke), redis.script(used)];
  const ids = redis.key('api-keys');
  const keyOf = (id: string): string => redis.key(`api-key:${id}`);

  async function find(id: string): Promise<ApiKey | undefined> {
    const [record, usedAt, revokedAt] = await redis.run((client) =>
      client.hmget(keyOf(id), 'record', 'used', 'revoked'),
    );
    return record === null || record === undefined
      ? undefined
      : readApiKeyRecord(id, record, time(usedAt), time(revokedAt));
  }

  return {
    async create(key) {
      const { id, lastUsedAt = '', revokedAt = '' } = key;
      return (await creating([keyOf(id), ids], [id, apiKeyRecord(key), lastUsedAt, revokedAt])) === 1;
    },
    find,
    async list() {
      const all = await redis.run((client) => client.smembers(ids));
      const keys = await Promise.all(all.map(find));
      const found = keys.filter((key) => key !== undefined);
      // One that is named and not there: the store has lost something, and the list would be a lie.
      if (found.length < all.length) throw new StoreUnavailable('Redis has lost API keys');
      return found.toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1));
    },
    revoke: async (id, now) => (await revoking([keyOf(id)], [now])) === 1,
    async used(uses) {
      if (uses.length > 0)
        await using(
          uses.map(({ id }) => keyOf(id)),
          uses.map(({ at }) => at),
        );
    },
    close() {},
  };
}

const time = (text: string | null | undefined): number | undefined =>
  text === null || text === undefined || text === '' ? undefined : Number(text);
