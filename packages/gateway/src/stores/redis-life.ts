/**
 * One life of a Redis: from when it was empty until it is empty again. A Redis that keeps
 * nothing on disk and restarts has forgotten every claim and every revocation; what has
 * been used up or ended must not come back by that.
 *
 * Each life has a name, kept in Redis itself. Every process that finds another name than before writes back what it knows;
 * all of them look at least every 400 ms and reconnect within 400 ms more. A life counts once it is older than `settleMs`, when everybody has
 * done so. What only a process knew that ended, or was cut off, at the same time is lost.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { RedisConnection } from './redis.ts';

export interface RedisLife {
  /** The key that holds the name, for scripts. */
  readonly key: string;
  /** For scripts that begin with `lifeLua`. Another one each time: two lives may begin in the same millisecond. */
  newName(): string;
  readonly settleMs: number;
  /** The name of this life, once it counts. Asks Redis only when it is not known. Throws `StoreUnavailable`. */
  settled(): string | Promise<string>;
  /** A script has found this name. When it is another one, everything known is written back. */
  saw(name: string): void;
  /** What to do in each new life, before it counts. */
  onNewLife(restore: () => Promise<void>): void;
}

/**
 * The beginning of a script: `KEYS[1]` is the life's key, `ARGV[1]` a new name, `ARGV[2]` the time to settle. Leaves the name
 * in `life`, and in `settling` how many milliseconds are left until it counts.
 */
export const lifeLua = `
  local life = redis.call('GET', KEYS[1])
  local clock = redis.call('TIME')
  local moment = clock[1] * 1000 + math.floor(clock[2] / 1000)
  if not life then
    life = ARGV[1] .. ' ' .. string.format('%.0f', moment)
    redis.call('SET', KEYS[1], life)
  end
  local settling = math.max(0, tonumber(string.match(life, '%d+$')) + tonumber(ARGV[2]) - moment)
`;

/** `settleMs`: longer than it takes all others to notice. */
export function redisLife(redis: RedisConnection, settleMs = 2_000): RedisLife {
  const key = redis.key('life');
  const newName = (): string => randomBytes(8).toString('hex');
  const ask = redis.script(`${lifeLua} return { life, settling }`);
  const restorers: (() => Promise<void>)[] = [];
  let current: string | undefined;
  let restored: string | undefined;
  let asking: Promise<string> | undefined;

  /** Finds out which life it is, tells what is known, and waits until it counts. */
  async function settle(): Promise<string> {
    for (;;) {
      const [name, settling] = readLife(await ask([key], [newName(), settleMs]));
      if (name !== restored) for (const restore of restorers) await restore();
      restored = name;
      if (settling === 0) {
        current = name;
        return name;
      }
      await new Promise((resolve) => setTimeout(resolve, settling).unref());
    }
  }

  function settled(): string | Promise<string> {
    if (current !== undefined) return current;
    asking ??= settle().finally(() => (asking = undefined));
    return asking;
  }

  return {
    key,
    newName,
    settleMs,
    settled,
    saw(name) {
      if (name === restored) return;
      current = undefined;
      Promise.resolve(settled()).catch(() => undefined); // whoever needs the result asks again
    },
    onNewLife: (restore) => void restorers.push(restore),
  };
}

function readLife(answer: unknown): [name: string, settling: number] {
  if (!Array.isArray(answer)) throw new TypeError('Cannot read answer of Redis: it is no list');
  return [String(answer[0]), Number(answer[1])];
}
