import type { SigningKeyStore } from '../ports/signing-keys.ts';
import type { RedisConnection } from './redis.ts';

/** Arguments: the version that is replaced (empty: nothing may be there), the text. */
const replaceLua = `
  local held = redis.call('GET', KEYS[1])
  local version = held and string.match(held, '^(%d+) ') or ''
  if version ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], string.format('%.0f', (tonumber(version) or 0) + 1) .. ' ' .. ARGV[2])
  return 1
`;

/** The issuer's keys in Redis, for all replicas. They are sealed: whoever may read Redis can neither use nor alter them. */
export function redisSigningKeys(redis: RedisConnection): SigningKeyStore {
  const key = redis.key('signing-keys');
  const replace = redis.script(replaceLua);
  return {
    async read() {
      const held = await redis.run((client) => client.get(key));
      const [, version, text] = /^(\d+) (.*)$/s.exec(held ?? '') ?? [];
      return version === undefined || text === undefined ? undefined : { version: Number(version), text };
    },
    replace: async (version, text) => (await replace([key], [version ?? '', text])) === 1,
  };
}
