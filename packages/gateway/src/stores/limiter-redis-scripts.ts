/**
 * What Redis does for the limits, each in one step.
 *
 * Times are those of Redis (`TIME`): one clock for all replicas, whatever theirs say. Each kind of limit has a key of its own:
 *
 * - `r`, `t` (requests, tokens in a minute): a hash of pieces of the window (see `limits/sliding-count.ts`) by number modulo `pieces`, with
 *   their sum (`n`) and the piece in which things happen now (`b`);
 * - `d` (tokens in a day): a hash with the number of the day (`d`) and the count (`n`);
 * - `c` (in progress): a sorted set of leases by deadline.
 *
 * Every key has an expiry.
 *
 * @module
 */
import { concurrentRetryMs } from '../limits/ledger.ts';

/** Functions for all scripts. `ARGV[1]` is the time, or -1 for that of Redis; `ARGV[2]` and `[3]` are length and number of pieces. */
const commonLua = `
  local now = tonumber(ARGV[1])
  if now < 0 then
    local clock = redis.call('TIME')
    now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  end
  local pieceMs, pieces = tonumber(ARGV[2]), tonumber(ARGV[3])
  local dayMs = 86400000
  local piece, today = math.floor(now / pieceMs), math.floor(now / dayMs)

  -- Forgets what has left the window. Gives the sum, and the piece in which things happen now: a clock that went back stands still.
  local function advance(key)
    local state = redis.call('HMGET', key, 'n', 'b')
    local n, last = tonumber(state[1] or 0), tonumber(state[2] or -1)
    if last < 0 then return 0, piece end
    if piece - last >= pieces or last - piece >= pieces then
      redis.call('DEL', key)
      return 0, piece
    end
    if piece <= last then return n, last end
    local gone = {}
    for i = last + 1, piece do gone[#gone + 1] = i % pieces end
    for _, count in ipairs(redis.call('HMGET', key, unpack(gone))) do
      n = n - tonumber(count or 0)
    end
    redis.call('HDEL', key, unpack(gone))
    redis.call('HSET', key, 'n', n, 'b', piece)
    return n, piece
  end

  local function add(key, count, n, last, at)
    redis.call('HINCRBY', key, at % pieces, count)
    redis.call('HSET', key, 'n', n + count, 'b', last)
    redis.call('PEXPIRE', key, (pieces + 1) * pieceMs)
  end

  -- How long until there is room for more; -1 is never.
  local function wait(key, n, last, more, limit)
    if n + more <= limit then return 0 end
    local counts, all = {}, redis.call('HGETALL', key)
    for i = 1, #all, 2 do counts[all[i]] = tonumber(all[i + 1]) end
    for i = last - pieces + 1, last do
      n = n - (counts[tostring(i % pieces)] or 0)
      if n + more <= limit then return math.max(1, (i + pieces) * pieceMs - now) end
    end
    return -1
  end

  -- The count of the day, and which day it is: a clock that went back over midnight stays in the later one.
  local function day(key)
    local state = redis.call('HMGET', key, 'd', 'n')
    local known = tonumber(state[1] or -2)
    if known ~= today and known ~= today + 1 then return 0, today end
    return tonumber(state[2]), known
  end

  local function setDay(key, count, which)
    redis.call('HSET', key, 'd', which, 'n', count)
    redis.call('PEXPIRE', key, (which + 1) * dayMs - now + 60000)
  end
`;

/**
 * `KEYS[1]`: the life's key; then one for each limit. `ARGV[4]`: the life; lease, its length, tokens; then for each further
 * key its kind and limit. Answers -1 when it is another life; else `{1, now, used...}`, or `{0, now, which, wait}`.
 */
export const acquireLua = `
  if redis.call('GET', KEYS[1]) ~= ARGV[4] then return { -1 } end
  ${commonLua}
  local lease, leaseMs, tokens = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
  local need = math.max(1, tokens)
  local found, last = {}, {}
  local worst, worstWait = 0, 0
  for k = 2, #KEYS do
    local key, kind, limit = KEYS[k], ARGV[2 * k + 4], tonumber(ARGV[2 * k + 5])
    local waits = 0
    if kind == 'r' or kind == 't' then
      found[k], last[k] = advance(key)
      waits = wait(key, found[k], last[k], kind == 'r' and 1 or need, limit)
    elseif kind == 'd' then
      found[k], last[k] = day(key)
      if found[k] + need > limit then
        waits = need > limit and -1 or (last[k] + 1) * dayMs - now
      end
    else
      redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
      -- None ends later than it could have been given: the clock may have gone back.
      for _, late in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. (now + leaseMs), '+inf')) do
        redis.call('ZADD', key, now + leaseMs, late)
      end
      found[k] = redis.call('ZCARD', key)
      if redis.call('ZSCORE', key, lease) then found[k] = found[k] - 1 end
      if found[k] >= limit then waits = ${concurrentRetryMs} end
    end
    if waits == -1 then waits = math.huge end
    if waits > worstWait then worst, worstWait = k, waits end
  end
  if worst > 0 then
    return { 0, now, worst, worstWait == math.huge and -1 or worstWait }
  end
  local answer = { 1, now }
  for k = 2, #KEYS do
    local key, kind = KEYS[k], ARGV[2 * k + 4]
    if kind == 'r' then
      add(key, 1, found[k], last[k], last[k])
      answer[#answer + 1] = found[k] + 1
    elseif kind == 't' then
      if tokens > 0 then add(key, tokens, found[k], last[k], last[k]) end
      answer[#answer + 1] = found[k] + tokens
    elseif kind == 'd' then
      if tokens > 0 then setDay(key, found[k] + tokens, last[k]) end
      answer[#answer + 1] = found[k] + tokens
    else
      redis.call('ZADD', key, now + leaseMs, lease)
      redis.call('PEXPIRE', key, leaseMs + 1000)
      answer[#answer + 1] = found[k] + 1
    end
  end
  return answer
`;

/** `KEYS`: one for each limit. `ARGV[4]`: the lease, when it was granted, by how much its tokens were more; then kinds. */
export const releaseLua = `
  ${commonLua}
  local lease, at, more = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
  for k, key in ipairs(KEYS) do
    local kind = ARGV[6 + k]
    if kind == 'c' then redis.call('ZREM', key, lease)
    elseif kind == 't' and more ~= 0 then
      local n, last = advance(key)
      local from = math.floor(at / pieceMs)
      if more > 0 then add(key, more, n, last, last)
      elseif from > last - pieces and from <= last then
        local count = tonumber(redis.call('HGET', key, from % pieces) or 0)
        local back = math.min(-more, count)
        if back > 0 then add(key, -back, n, last, from) end
      end
    elseif kind == 'd' and more ~= 0 then
      local n, which = day(key)
      if more > 0 then setDay(key, n + more, which)
      elseif math.floor(at / dayMs) == which then setDay(key, math.max(0, n + more), which) end
    end
  end
`;

/** `KEYS`: sorted sets. `ARGV[4]`: the length; then pairs of the number of a key and a lease. */
export const renewLua = `
  ${commonLua}
  local leaseMs = tonumber(ARGV[4])
  for i = 5, #ARGV, 2 do redis.call('ZADD', KEYS[tonumber(ARGV[i])], now + leaseMs, ARGV[i + 1]) end
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, leaseMs + 1000) end
  return now
`;

/**
 * Adds what somebody has counted alone. `KEYS[1]`: of a window or a day. `ARGV[4]`: the kind; then pairs of when and how much.
 */
export const restoreLua = `
  ${commonLua}
  local key = KEYS[1]
  for i = 5, #ARGV, 2 do
    local at, count = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    if ARGV[4] == 'd' then
      local n, which = day(key)
      if math.floor(at / dayMs) == which then setDay(key, n + count, which) end
    else
      local n, last = advance(key)
      local from = math.min(math.floor(at / pieceMs), last)
      if from > last - pieces then add(key, count, n, last, from) end
    end
  end
  return now
`;
