/**
 * Sessions in Redis, for many replicas. A session is a hash; sorted sets have the sessions
 * by age (all of them, and those of each name of a person) and by their ends.
 *
 * A member of such a set is the moment of sign-in, fifteen digits, and the id: in the order of the alphabet that is the
 * order of age, so that a page begins where the last one ended whatever came or went in between.
 *
 * @module
 */
import { canonicalName } from '../auth/canonical-name.ts';
import type { SessionBounds, SessionStore, SessionSummary, StoredSession } from '../ports/session-store.ts';
import type { RedisConnection } from './redis.ts';
import { personNames } from './person-names.ts';
import { pageAfter, pageLimit, pageOf } from './session-page.ts';

/** Redis forgets by itself what a sweep has missed, this long after its end. */
const marginMs = 3_600_000;
const touchAtOnce = 500;

/** `forget(id)`: the session with its places in all sets. Names lie in the hash, one a line. Gives 1 when it was there. */
const forgetLua = `
  local root = ARGV[1]
  local function forget(id)
    local key = root .. 'session:' .. id
    local known = redis.call('HMGET', key, 'member', 'names')
    if not known[1] then return 0 end
    for name in string.gmatch(known[2], '[^\\n]+') do redis.call('ZREM', root .. 'sessions:of:' .. name, known[1]) end
    redis.call('ZREM', root .. 'sessions:all', known[1])
    redis.call('ZREM', root .. 'sessions:ends', id)
    redis.call('DEL', key)
    return 1
  end
`;

/** Arguments: root, id, member, names, expiresAt, now, ms to keep, the bounds, then the fields of the hash. */
const putLua = `${forgetLua}
  local id, member, names = ARGV[2], ARGV[3], ARGV[4]
  local ends, now, keep = ARGV[5], ARGV[6], ARGV[7]
  forget(id)
  local key = root .. 'session:' .. id
  redis.call('HSET', key, 'member', member, 'names', names, unpack(ARGV, 10))
  redis.call('PEXPIRE', key, keep)
  redis.call('ZADD', root .. 'sessions:all', 0, member)
  redis.call('ZADD', root .. 'sessions:ends', ends, id)
  for name in string.gmatch(names, '[^\\n]+') do
    local of = root .. 'sessions:of:' .. name
    redis.call('ZADD', of, 0, member)
    if redis.call('PTTL', of) < tonumber(keep) then redis.call('PEXPIRE', of, keep) end
  end

  for _, old in ipairs(redis.call('ZRANGEBYSCORE', root .. 'sessions:ends', '-inf', now, 'LIMIT', 0, 64)) do
    if forget(old) == 0 then redis.call('ZREM', root .. 'sessions:ends', old) end
  end
  local subject = root .. 'sessions:of:' .. string.match(names, '^[^\\n]+')
  if redis.call('ZCARD', subject) > tonumber(ARGV[9]) then
    local worst, rank
    for _, other in ipairs(redis.call('ZRANGE', subject, 0, -1)) do
      local since, other_id = string.match(other, '^(%d+) (.*)$')
      if other_id ~= id then
        local seen = redis.call('HGET', root .. 'session:' .. other_id, 'seen')
        if not seen then
          redis.call('ZREM', subject, other)
          redis.call('ZREM', root .. 'sessions:all', other)
          worst = nil
          break
        end
        local used = tonumber(seen) > tonumber(since) and 1e15 or 0
        if not rank or used + tonumber(seen) < rank then worst, rank = other_id, used + tonumber(seen) end
      end
    end
    if worst then forget(worst) end
  end
  local over = redis.call('ZCARD', root .. 'sessions:all') - tonumber(ARGV[8])
  if over > 0 then
    for _, old in ipairs(redis.call('ZRANGE', root .. 'sessions:all', 0, math.min(over, 64) - 1)) do
      if forget(string.match(old, '^%d+ (.*)$')) == 0 then redis.call('ZREM', root .. 'sessions:all', old) end
    end
  end
`;

const removeLua = `${forgetLua}
  local removed = 0
  for i = 2, #ARGV do removed = removed + forget(ARGV[i]) end
  return removed
`;

/** Arguments: now, then names and values of fields. */
const updateLua = `
  local ends = redis.call('HGET', KEYS[1], 'ends')
  if not ends or tonumber(ends) <= tonumber(ARGV[1]) then return 0 end
  if #ARGV > 1 then redis.call('HSET', KEYS[1], unpack(ARGV, 2)) end
  return 1
`;

/** Arguments: for each key the moment. Gives the numbers of those that are unknown. */
const touchLua = `
  local unknown = {}
  for i, key in ipairs(KEYS) do
    local seen = redis.call('HGET', key, 'seen')
    if not seen then table.insert(unknown, i)
    elseif tonumber(ARGV[i]) > tonumber(seen) then redis.call('HSET', key, 'seen', ARGV[i]) end
  end
  return unknown
`;

/** Sessions on `redis`, which stays open when the store is closed. `now`: milliseconds since the epoch. */
export function redisSessionStore(redis: RedisConnection, now: () => number, bounds: SessionBounds = {}): SessionStore {
  const { total = 200_000, perPerson = 100 } = bounds;
  const put = redis.script(putLua);
  const remove = redis.script(removeLua);
  const update = redis.script(updateLua);
  const touch = redis.script(touchLua);
  const root = redis.key('');
  const keyOf = (id: string): string => `${root}session:${id}`;
  const blobs = ({ body, refresh }: Pick<StoredSession, 'body' | 'refresh'>): (string | Uint8Array)[] => [
    ...(body === undefined ? [] : ['body', body]),
    ...(refresh === undefined ? [] : ['refresh', refresh]),
  ];

  async function summaries(members: readonly string[]): Promise<SessionSummary[]> {
    if (members.length === 0) return [];
    const answers = await redis.run(async (client) => {
      const pipeline = client.pipeline();
      for (const member of members) pipeline.hmget(keyOf(member.slice(digits + 1)), 'entry', 'seen');
      const results = (await pipeline.exec()) ?? [];
      for (const [error] of results) if (error !== null) throw error;
      return results.map(([, answer]) => answer);
    });
    const moment = now();
    return answers.flatMap((answer) =>
      Array.isArray(answer) ? (readSession(answer[0], answer[1], moment) ?? []) : [],
    );
  }

  return {
    async put({ body, refresh, lastSeen, ...rest }) {
      const since = Math.floor(rest.since);
      const expiresAt = Math.floor(rest.expiresAt);
      const moment = Math.floor(now());
      const names = personNames(rest).map((name) => name.replaceAll('\n', ' '));
      const entry = JSON.stringify({ ...rest, since, expiresAt });
      const place = [root, rest.id, memberOf(since, rest.id), names.join('\n'), expiresAt, moment];
      const limits = [Math.max(1, expiresAt - moment + marginMs), total, perPerson];
      const fields = ['entry', entry, 'ends', expiresAt, 'seen', Math.floor(lastSeen), ...blobs({ body, refresh })];
      await put([root], [...place, ...limits, ...fields]);
    },

    async get(id) {
      const [entry, seen, body, refresh] = await redis.run((client) =>
        client.hmgetBuffer(keyOf(id), 'entry', 'seen', 'body', 'refresh'),
      );
      const session = readSession(entry?.toString(), seen?.toString(), now());
      return session === undefined ? undefined : { ...session, body: body ?? undefined, refresh: refresh ?? undefined };
    },

    async update(id, change) {
      return (await update([keyOf(id)], [Math.floor(now()), ...blobs(change)])) === 1;
    },

    async touch(seen) {
      const unknown: string[] = [];
      for (let i = 0; i < seen.length; i += touchAtOnce) {
        const batch = seen.slice(i, i + touchAtOnce);
        const answer = await touch(
          batch.map(({ id }) => keyOf(id)),
          batch.map(({ lastSeen }) => Math.floor(lastSeen)),
        );
        if (Array.isArray(answer)) unknown.push(...answer.flatMap((place) => batch[Number(place) - 1]?.id ?? []));
      }
      return unknown;
    },

    async list(query = {}) {
      const limit = pageLimit(query);
      const set = query.person === undefined ? 'sessions:all' : `sessions:of:${canonicalName(query.person)}`;
      const found: SessionSummary[] = [];
      let { since, id } = pageAfter(query);
      while (found.length <= limit) {
        const wanted = limit + 1 - found.length;
        const members = await redis.run((client) =>
          client.zrevrangebylex(`${root}${set}`, `(${memberOf(since, id)}`, '-', 'LIMIT', 0, wanted),
        );
        found.push(...(await summaries(members)));
        const last = members.at(-1);
        if (last === undefined || members.length < wanted) break;
        since = Number(last.slice(0, digits));
        id = last.slice(digits + 1);
      }
      return pageOf(found, limit);
    },

    async remove(ids) {
      return ids.length === 0 ? 0 : Number(await remove([root], [root, ...ids]));
    },

    close() {},
  };
}

/** As many as a moment has in this and the next thirty thousand years. */
const digits = 15;

const memberOf = (since: number, id: string): string => `${String(Math.max(0, since)).padStart(digits, '0')} ${id}`;

/** `undefined` when there is none, or it has ended. */
function readSession(entry: unknown, seen: unknown, now: number): SessionSummary | undefined {
  if (typeof entry !== 'string' || typeof seen !== 'string') return undefined;
  const read: unknown = JSON.parse(entry);
  if (typeof read !== 'object' || read === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(read));
  const text = (name: string): string | undefined => {
    const value = fields.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const session = {
    id: text('id') ?? '',
    subject: text('subject') ?? '',
    account: text('account') ?? '',
    upn: text('upn'),
    method: text('method') ?? '',
    provider: text('provider'),
    providerSession: text('providerSession'),
    address: text('address') ?? '',
    device: text('device') ?? '',
    app: text('app'),
    since: Number(fields.get('since')),
    lastSeen: Number(seen),
    expiresAt: Number(fields.get('expiresAt')),
  };
  return session.expiresAt > now ? session : undefined;
}
