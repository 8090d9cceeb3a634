import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { AcquireRequest, Limiter, Limits } from '../../src/ports/limiter.ts';
import { StoreUnavailable } from '../../src/ports/store-unavailable.ts';
import { limiterContract } from '../../src/stores/limiter.contract.ts';
import { redisLimiter, type RedisLimiterOptions } from '../../src/stores/limiter-redis.ts';
import { redisLife } from '../../src/stores/redis-life.ts';
import type { RedisOptions } from '../../src/stores/redis.ts';
import { noRedis, startRedis } from '../redis.ts';
import { until } from '../until.ts';
import { hammer } from './limiter-hammer.ts';
import { redisForTests, type TestConnection } from './redis-testing.ts';

interface Opened extends TestConnection {
  readonly limiter: Limiter;
  readonly alarms: string[];
}

suite('redisLimiter', { skip: noRedis }, () => {
  const here = redisForTests();

  function open(
    how: Partial<RedisLimiterOptions> & {
      readonly connection?: Partial<RedisOptions>;
      readonly settleMs?: number;
    } = {},
  ): Opened {
    const { connection, settleMs = 0, ...rest } = how;
    const connected = here.connect(connection);
    const alarms: string[] = [];
    const limiter = redisLimiter({
      redis: connected.redis,
      life: redisLife(connected.redis, settleMs),
      now: Date.now,
      onUnshared: () => alarms.push('unshared'),
      onShared: () => alarms.push('shared'),
      ...rest,
    });
    return { ...connected, limiter, alarms };
  }

  limiterContract(
    'redisLimiter()',
    (now) => {
      const clock = { now };
      return { limiter: open({ redisTime: () => clock.now, connection: { prefix: 'contract' } }).limiter, clock };
    },
    25,
  );

  const ask = (limits: Limits, more: Partial<AcquireRequest> = {}): AcquireRequest => ({
    app: 'llm',
    checks: [{ key: 'person:alice', ...limits }],
    lease: randomUUID(),
    leaseMs: 30_000,
    tokens: 0,
    ...more,
  });
  const grants = async (limiters: readonly Opened[], count: number, limits: Limits): Promise<number> => {
    const answers = await Promise.all(
      Array.from({ length: count }, async (_, i) => limiters[i % limiters.length]?.limiter.acquire(ask(limits))),
    );
    return answers.filter((answer) => answer?.granted === true).length;
  };
  /** All names of keys, each with how long it lives. */
  const keysOf = async ({ redis }: TestConnection) => {
    const names = await redis.run((client) => client.keys('*}:limit:*'));
    return Promise.all(names.map(async (name) => ({ name, ttl: await redis.run((client) => client.pttl(name)) })));
  };

  test('redisLimiter() counts for all replicas together, whatever their clocks say', async () => {
    const connection = { prefix: 'together' };
    const all = [0, 2_000, -70_000, 70_000].map((off) => open({ connection, now: () => Date.now() + off }));
    assert.equal(await grants(all, 60, { requestsPerMinute: 20, concurrent: 30 }), 20);
    assert.equal(await grants(all, 60, { concurrent: 30 }), 10);
  });

  test('redisLimiter() leaves no name of anybody in Redis, and no key for ever', async () => {
    const one = open({ connection: { prefix: 'words' } });
    const limits = { requestsPerMinute: 5, concurrent: 5, tokensPerMinute: 50, tokensPerDay: 50 };
    await one.limiter.acquire(ask(limits, { lease: 'l', tokens: 10 }));
    await one.limiter.renew(['l'], 30_000);
    await one.limiter.release('l', { tokens: 20 });
    await one.limiter.acquire(ask(limits, { tokens: 10 }));
    const keys = await keysOf({ ...one, redis: one.redis });
    const own = keys.filter(({ name }) => name.startsWith('{words}:'));
    assert.deepEqual(new Set(own.map(({ name }) => name.at(-1))), new Set(['c', 'd', 'r', 't']));
    for (const { name, ttl } of own) {
      assert.match(name, /^\{words\}:limit:llm:[\w-]{22}:[cdrt]$/);
      assert.ok(ttl > 0 && ttl <= 86_460_000, `${name} ${ttl}`);
    }
  });

  test('redisLimiter() touches keys of one hash slot alone, so that a Cluster takes its scripts', async () => {
    const server = await startRedis(['--cluster-enabled', 'yes', '--port', String(await freePort())]);
    const one = open({ connection: { url: server.url } });
    await one.redis.run((client) => client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383'));
    await until(
      async () => String(await one.redis.run((client) => client.call('CLUSTER', 'INFO'))).includes('state:ok'),
      'the cluster',
    );
    const limits = { requestsPerMinute: 5, concurrent: 5, tokensPerMinute: 50, tokensPerDay: 50 };
    const checks = ['person:a', 'group:b'].map((key) => ({ key, ...limits }));
    for (const lease of ['1', '2'])
      assert.equal((await one.limiter.acquire(ask({}, { checks, lease, tokens: 5 }))).granted, true);
    await one.limiter.renew(['1', '2'], 30_000);
    await one.limiter.release('1', { tokens: 3 });
    await one.redis.run((client) => client.flushall());
    assert.equal((await one.limiter.acquire(ask({}, { checks, tokens: 5 }))).granted, true);
    assert.deepEqual(one.trouble, []);
    await server.close();
  });

  test('redisLimiter() tells a Redis that was restarted empty what has been used and what is in progress; nobody fails', async () => {
    const server = await startRedis();
    const connection = { url: server.url, prefix: 'restart' };
    const [one, other] = [open({ connection, settleMs: 500 }), open({ connection, settleMs: 500 })];
    const limits = { requestsPerMinute: 10, concurrent: 6, tokensPerDay: 1_000 };
    const [first] = await Promise.all([
      one.limiter.acquire(ask(limits, { lease: 'first', tokens: 100 })),
      other.limiter.acquire(ask(limits, { tokens: 100 })),
      other.limiter.acquire(ask(limits, { lease: 'ended', tokens: 100 })),
    ]);
    assert.equal(first?.granted, true);
    await other.limiter.release('ended', { tokens: 300 });
    await server.kill();
    const waiting = [one, other].map(async ({ limiter }) => limiter.acquire(ask({ ...limits, concurrent: 4 })));
    const released = one.limiter.release('first', { tokens: 150 });
    await server.start();
    const answers = await Promise.all(waiting);
    await released;
    assert.deepEqual(
      answers.map(({ granted, unshared }) => [granted, unshared]),
      [
        [true, false],
        [true, false],
      ],
    );
    // Three requests before and two after; one of the first is still in progress.
    const answer = await one.limiter.acquire(ask({ ...limits, concurrent: 4 }));
    assert.deepEqual(answer.granted && answer.left.map(({ left }) => left), [4, 0, 450]);
    assert.deepEqual([...one.alarms, ...other.alarms], []);
    await server.close();
  });

  test('redisLimiter() notices that Redis was emptied though the connection held', async () => {
    const server = await startRedis();
    const one = open({ connection: { url: server.url } });
    for (let i = 0; i < 10; i++) {
      assert.equal(await grants([one], 1, { requestsPerMinute: 10 }), 1);
      await one.redis.run((client) => client.flushall());
    }
    assert.equal(await grants([one], 5, { requestsPerMinute: 10 }), 0);
    await server.close();
  });

  test('redisLimiter() goes on by itself when Redis stays away, raises one alarm, and tells what it has counted', async () => {
    const server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    const connection = { url: server.url, prefix: 'away' };
    const [one, other] = [open({ connection, patienceMs: 50 }), open({ connection, patienceMs: 60_000 })];
    const limits = { requestsPerMinute: 20, concurrent: 8 };
    assert.equal(await grants([one, other], 4, limits), 4);
    await server.kill();
    assert.equal(await grants([one], 8, limits), 6); // two of the four it has granted before
    const alone = ask(limits, { checks: [{ key: 'person:bob', ...limits }], lease: 'alone' });
    assert.deepEqual(await one.limiter.acquire(alone), {
      granted: true,
      left: [
        { key: 'person:bob', limit: 'requests-per-minute', allowed: 20, left: 19 },
        { key: 'person:bob', limit: 'concurrent', allowed: 8, left: 7 },
      ],
      unshared: true,
    });
    assert.deepEqual(await one.limiter.acquire(ask({ concurrent: 1 }, { whenUnshared: 'allow' })), {
      granted: true,
      left: [],
      unshared: true,
    });
    await assert.rejects(async () => one.limiter.acquire(ask(limits, { whenUnshared: 'refuse' })), StoreUnavailable);
    await one.limiter.renew(['alone'], 30_000);
    assert.deepEqual(one.alarms, ['unshared']);
    await server.start();
    await until(() => one.alarms.length === 2, 'Redis to be told');
    const answer = await other.limiter.acquire(ask({ ...limits, concurrent: 100 }));
    // Four before, six alone, one now; in progress also that which nothing limited.
    assert.deepEqual(answer.granted && answer.left.map(({ left }) => left), [9, 88]);
    const bob = await other.limiter.acquire({ ...alone, lease: 'another' });
    assert.deepEqual(bob.granted && bob.left.map(({ left }) => left), [18, 6]);
    assert.deepEqual([one.alarms, other.alarms], [['unshared', 'shared'], []]);
    await server.close();
  });

  test('redisLimiter() gives nobody the place of a request that went on while Redis was away for longer than its lease', async (t) => {
    const server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    t.after(() => server.close());
    const connection = { url: server.url, prefix: 'long-away' };
    // Several, since each comes back when it likes: some of them later than the one who holds nothing.
    const holders = Array.from({ length: 8 }, () => open({ connection, settleMs: 1_500 }));
    const other = open({ connection, settleMs: 1_500 });
    const leaseMs = 600;
    const asked = (lease: string) => ask({}, { checks: [{ key: `person:${lease}`, concurrent: 1 }], lease, leaseMs });
    for (const [i, { limiter }] of holders.entries())
      assert.equal((await limiter.acquire(asked(`long-${i}`))).granted, true);
    const renewing = setInterval(() => {
      for (const [i, { limiter }] of holders.entries()) void limiter.renew([`long-${i}`], leaseMs);
    }, leaseMs / 3);
    await server.kill();
    await delay(2 * leaseMs);
    await server.start();
    const isBack = (): Promise<boolean> =>
      other.redis.ping().then(
        () => true,
        () => false,
      );
    await until(isBack, 'Redis to be back');
    const answers = await Promise.all(
      holders.map(async (_, i) => other.limiter.acquire({ ...asked(`long-${i}`), lease: `other-${i}` })),
    );
    clearInterval(renewing);
    assert.deepEqual(new Set(answers.map(({ granted }) => granted)), new Set([false]));
    await holders[0]?.limiter.release('long-0', {});
    assert.equal((await other.limiter.acquire({ ...asked('long-0'), lease: 'later' })).granted, true);
  });

  test('redisLimiter() goes on by itself when Redis answers and takes nothing, and raises one alarm', async () => {
    const server = await startRedis();
    const one = open({ connection: { url: server.url }, patienceMs: 50 });
    const limits = { requestsPerMinute: 20 };
    assert.equal(await grants([one], 1, limits), 1);
    await one.redis.run((client) => client.config('SET', 'maxmemory', '1'));
    await assert.rejects(async () => one.limiter.acquire(ask(limits, { whenUnshared: 'refuse' })), StoreUnavailable);
    assert.equal(await grants([one], 30, limits), 19);
    await delay(200); // several looks at it
    assert.deepEqual(one.alarms, ['unshared']);
    await one.redis.run((client) => client.config('SET', 'maxmemory', '0'));
    await until(() => one.alarms.includes('shared'), 'Redis to be told');
    assert.equal(await grants([one], 1, limits), 0);
    assert.deepEqual(one.alarms, ['unshared', 'shared']);
    await server.close();
  });

  test('redisLimiter() tells an emptied Redis when it was that something was used', async () => {
    const server = await startRedis();
    const clock = { now: 1_789_000_000_000 };
    const one = open({ connection: { url: server.url }, redisTime: () => clock.now });
    const limits = { requestsPerMinute: 4, concurrent: 3 };
    assert.equal(await grants([one], 3, limits), 3);
    clock.now += 25_000;
    await one.redis.run((client) => client.flushall());
    assert.equal(await grants([one], 3, { requestsPerMinute: 4 }), 1);
    assert.equal(await grants([one], 3, { concurrent: 4 }), 1);
    clock.now += 35_250;
    assert.equal(await grants([one], 4, { requestsPerMinute: 4 }), 3);
    await server.close();
  });

  test('redisLimiter() counts a request once that it has to ask about twice', async () => {
    const one = open({ connection: { prefix: 'twice' } });
    for (let i = 0; i < 2; i++)
      assert.equal((await one.limiter.acquire(ask({ concurrent: 1 }, { lease: 'same' }))).granted, true);
    assert.equal(await grants([one], 1, { concurrent: 1 }), 0);
  });

  test('redisLimiter() leaves no lease of those that nobody renews', async () => {
    const one = open({ connection: { prefix: 'crash' } });
    const limits = { concurrent: 3 };
    await one.limiter.acquire(ask(limits, { lease: 'released' }));
    await one.limiter.acquire(ask(limits, { leaseMs: 100 }));
    await one.limiter.release('released', {});
    const left = await keysOf(one);
    assert.equal(left.filter(({ name }) => name.startsWith('{crash}:')).length, 1);
    await until(async () => !(await keysOf(one)).some(({ name }) => name.startsWith('{crash}:')), 'its end');
  });

  test('redisLimiter() holds limits while three processes hammer on them, Redis is restarted empty and one process is killed', async () => {
    await hammer({ minuteMs: 5_000, requestsPerMinute: 300, concurrent: 8, leaseMs: 900 });
  });
});

/** A Cluster's node has a port, and another one 10,000 above. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (typeof address === 'object' && address !== null && address.port < 50_000) return address.port;
  }
}
