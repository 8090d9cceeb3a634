/**
 * Revocations in Redis, for many replicas. One script reads, another writes; both are one
 * step for Redis. Entries lie in a hash; a sorted set has them in the order of writing, for the cursor, and
 * another in the order of their ends.
 *
 * The cursor is good for one life of Redis and one connection: after a reconnection everything is
 * read again, as Redis may have been restored from an older copy of its data.
 *
 * @module
 */
import { type Revocation, type RevocationChanges, type Revocations, revocationKinds } from '../ports/revocations.ts';
import type { RedisConnection } from './redis.ts';
import { lifeLua, type RedisLife } from './redis-life.ts';

const pageEntries = 1_000;

/** Arguments: name, settleMs, the cursor's life, the cursor's number. */
const changesLua = `${lifeLua}
  local from = tonumber(ARGV[4])
  local number = tonumber(redis.call('GET', KEYS[2]) or '0')
  local over = 0
  if life ~= ARGV[3] or from > number then
    from = 0
    over = 1
  end
  local rows = redis.call('ZRANGEBYSCORE', KEYS[4], '(' .. string.format('%.0f', from), '+inf', 'WITHSCORES', 'LIMIT', 0, ${pageEntries})
  local more = #rows == 2 * ${pageEntries} and 1 or 0
  if more == 1 then number = tonumber(rows[#rows]) end
  local entries = {}
  for i = 1, #rows, 2 do
    entries[i] = rows[i]
    entries[i + 1] = redis.call('HGET', KEYS[3], rows[i])
  end
  return { life, settling, over, more, string.format('%.0f', number), entries }
`;

/** Arguments: name, settleMs, now, and for each entry its field, before, until and reason. */
const addLua = `${lifeLua}
  for i = 4, #ARGV, 4 do
    local before, ends, reason = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local known = redis.call('HGET', KEYS[3], ARGV[i])
    local wider = true
    if known then
      local oldBefore, oldEnds, oldReason = string.match(known, '^(%-?%d+) (%-?%d+) (.*)$')
      wider = tonumber(before) > tonumber(oldBefore) or tonumber(ends) > tonumber(oldEnds)
      if tonumber(before) < tonumber(oldBefore) then before, reason = oldBefore, oldReason end
      if tonumber(ends) < tonumber(oldEnds) then ends = oldEnds end
    end
    if wider then
      redis.call('HSET', KEYS[3], ARGV[i], before .. ' ' .. ends .. ' ' .. reason)
      redis.call('ZADD', KEYS[4], redis.call('INCR', KEYS[2]), ARGV[i])
      redis.call('ZADD', KEYS[5], ends, ARGV[i])
    end
  end
  for _, field in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', ARGV[3], 'LIMIT', 0, 200)) do
    redis.call('HDEL', KEYS[3], field)
    redis.call('ZREM', KEYS[4], field)
    redis.call('ZREM', KEYS[5], field)
  end
  return life
`;

const addAtOnce = 500;

/** Revocations on `redis`, which stays open when they are closed. `now`: milliseconds since the epoch. */
export function redisRevocations(redis: RedisConnection, life: RedisLife, now: () => number): Revocations {
  const read = redis.script(changesLua);
  const write = redis.script(addLua);
  const keys = [life.key, ...['number', 'entries', 'log', 'ends'].map((name) => redis.key(`revoked:${name}`))];
  const head = (): readonly [string, number] => [life.newName(), life.settleMs];

  return {
    async changes(cursor) {
      const [connection, number = '0', ...name] = cursor?.split(' ') ?? [];
      const same = connection === String(redis.connections);
      const answer = await read(keys, [...head(), same ? name.join(' ') : '', same ? number : '0']);
      const { life: found, ...changes } = readAnswer(answer);
      life.saw(found);
      return { ...changes, cursor: `${redis.connections} ${changes.cursor} ${found}` };
    },
    async add(entries) {
      for (let i = 0; i < entries.length; i += addAtOnce) {
        const args = entries
          .slice(i, i + addAtOnce)
          .flatMap(({ kind, key, before, until, reason }) => [
            `${kind} ${key}`,
            Math.ceil(before),
            Math.ceil(until),
            reason,
          ]);
        life.saw(String(await write(keys, [...head(), Math.floor(now()), ...args])));
      }
    },
    close() {},
  };
}

function readAnswer(answer: unknown): RevocationChanges & { readonly life: string } {
  if (!Array.isArray(answer) || !Array.isArray(answer[5]))
    throw new TypeError('Cannot read answer of Redis: unknown form');
  const [life, settling, over, more, number, rows] = answer;
  const entries: Revocation[] = [];
  for (let i = 0; i < rows.length; i += 2) {
    const entry = readEntry(String(rows[i]), rows[i + 1]);
    if (entry !== undefined) entries.push(entry);
  }
  return {
    life: String(life),
    entries,
    cursor: String(number),
    more: more === 1,
    startedOver: over === 1,
    settled: settling === 0,
  };
}

/** `undefined` for one of a newer Cardea, and for one whose text is gone, which only an evicting Redis does. */
function readEntry(field: string, value: unknown): Revocation | undefined {
  const [, before, until, reason = ''] = /^(-?\d+) (-?\d+) (.*)$/s.exec(String(value)) ?? [];
  const space = field.indexOf(' ');
  const kind = revocationKinds.find((one) => one === field.slice(0, space));
  if (before === undefined || kind === undefined) return undefined;
  return { kind, key: field.slice(space + 1), before: Number(before), until: Number(until), reason };
}
