import { openRedis, type RedisConnection } from '../../stores/redis.ts';
import { placeOf } from '../../stores/redis-words.ts';
import { type Check, fail, type Finding, pass, reasonOf, type Seen, unknown } from '../check.ts';

/** Above this every sign-in is felt. */
const slowMs = 20;

/** The shared store. */
export const redis: Check = {
  id: 'redis',
  title: 'Redis answers quickly, keeps what it is told, and throws nothing away',
  sides: ['gateway'],
  finds: {
    'redis-connect': 'Redis cannot be reached, or refuses the user, the password or the certificate',
    'redis-latency': 'Redis answers slowly',
    'redis-persistence': 'Redis keeps nothing on disk: after a restart, revocations and API keys are gone',
    'redis-eviction': 'Redis throws things away when its memory is full: sessions that were ended could come back',
    'redis-shared':
      'other machines use this Redis too (`unknown`: whether their keys are the same cannot be seen from here)',
  },
  async run(env) {
    const { redis: options } = env.loaded.config;
    if (options === false) return [];
    const place = placeOf(options.url);
    const about = { about: place };
    const ca = options.ca === undefined ? undefined : env.loaded.files.read(options.ca);
    const connection = openRedis({
      url: options.url,
      user: options.user,
      password: options.password,
      ca: ca?.kind === 'ok' ? Buffer.from(ca.value).toString() : undefined,
      prefix: options.prefix,
      timeoutMs: Math.max(options.timeout, 1_000),
      onTrouble: () => {},
      onRecovery: () => {},
    });
    const connect = { id: 'redis-connect', ...about, tried: `PING to ${place}` };
    try {
      await connection.ping();
      return [
        pass({ ...connect, seen: 'it answers' }),
        await judgeLatency(connection, place),
        await judgePersistence(connection, place),
        await judgeEviction(connection, place),
        await judgeOthers(connection, place, env.addresses),
      ];
    } catch (error) {
      return [fail({ ...connect, seen: reasonOf(error) }, 'Correct redis in the configuration, or start the server.')];
    } finally {
      await connection.close();
    }
  },
};

async function judgeLatency(connection: RedisConnection, place: string): Promise<Finding> {
  const times: number[] = [];
  for (let i = 0; i < 11; i++) {
    const start = performance.now();
    await connection.ping();
    times.push(performance.now() - start);
  }
  // The fastest: the others have waited for what this process was doing beside.
  const fastest = Math.min(...times);
  const seen = { id: 'redis-latency', about: place, tried: '11 PINGs', seen: `${fastest.toFixed(1)} ms at best` };
  return fastest < slowMs
    ? pass(seen)
    : fail(seen, 'Let Redis be near: in the same data centre, on a machine that has time for it.');
}

async function judgePersistence(connection: RedisConnection, place: string): Promise<Finding> {
  const about = { id: 'redis-persistence', about: place, tried: 'appendonly and save' };
  const info = await infoOf(connection, 'persistence');
  if (/^aof_enabled:1/m.test(info)) return pass({ ...about, seen: 'appendonly is on' });
  const save = await settingOf(connection, 'save');
  if (save === undefined)
    return unknown(
      { ...about, seen: 'appendonly is off, and save may not be asked for' },
      'Allow the user CONFIG GET, or look into redis.conf.',
    );
  if (save !== '') return pass({ ...about, seen: `snapshots (save ${save}); what came after the last one is lost` });
  return fail(
    { ...about, seen: 'both are off' },
    'Set appendonly yes, unless a copy elsewhere takes over when this one ends.',
  );
}

async function judgeEviction(connection: RedisConnection, place: string): Promise<Finding> {
  const about: Omit<Seen, 'seen'> = { id: 'redis-eviction', about: place, tried: 'maxmemory-policy and maxmemory' };
  const info = await infoOf(connection, 'memory');
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy === undefined)
    return unknown({ ...about, seen: 'it may not be asked for' }, 'Allow the user INFO, or look into redis.conf.');
  const limit = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0);
  if (policy === 'noeviction') return pass({ ...about, seen: 'noeviction' });
  if (limit === 0) return pass({ ...about, seen: `${policy}, but there is no limit of memory at which it would` });
  return fail({ ...about, seen: `${policy}, with a limit of ${limit} bytes` }, 'Set maxmemory-policy noeviction.');
}

/** Gateways that share a Redis need the same keys: the configuration check can only ask whether there are several. */
async function judgeOthers(connection: RedisConnection, place: string, own: readonly string[]): Promise<Finding> {
  const about = { id: 'redis-shared', about: place, tried: 'who is connected (CLIENT LIST)' };
  const answer: unknown = await connection.run((client) => client.client('LIST')).catch(() => undefined);
  const todo = 'If they are gateways with the same prefix: give all of them the same keys.json, see docs/sign-in.md.';
  if (typeof answer !== 'string') return unknown({ ...about, seen: 'it may not be asked for' }, todo);
  const hosts = [...answer.matchAll(/\baddr=(\S*):\d+/g)].map(([, host = '']) => host.replace(/^\[|\]$/g, ''));
  const others = [...new Set(hosts)].filter((host) => !host.startsWith('/') && host !== '' && !own.includes(host));
  if (others.length === 0) return pass({ ...about, seen: 'this machine alone' });
  return unknown({ ...about, seen: `${others.length} other machines: ${others.slice(0, 5).join(', ')}` }, todo);
}

const infoOf = (connection: RedisConnection, section: string): Promise<string> =>
  connection.run((client) => client.info(section)).catch(() => '');

async function settingOf(connection: RedisConnection, name: string): Promise<string | undefined> {
  const answer: unknown = await connection.run((client) => client.config('GET', name)).catch(() => undefined);
  return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : undefined;
}
