import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { localAttempts } from '../../src/auth/local-attempts.ts';
import { passwordSource } from '../../src/auth/password.ts';
import { defaultParameters, hashPassword } from '../../src/auth/password-hash.ts';
import type { Attempts, Limited } from '../../src/ports/attempts.ts';
import { attemptsContract } from '../../src/stores/attempts.contract.ts';
import { redisAttempts } from '../../src/stores/attempts-redis.ts';
import { noRedis } from '../redis.ts';
import { redisForTests } from './redis-testing.ts';

const now = 1_789_000_000_000;
const one: Limited = { kind: 'domain-lockout', key: 'S-1-5-21-1-2-3-1001', limit: 3, windowMs: 60_000 };

suite('redisAttempts', { skip: noRedis }, () => {
  const here = redisForTests();
  /** Does not count itself, so that what is seen is what Redis has counted. */
  const none: Attempts = { begin: () => 0, release: () => {} };
  const replicas = (count: number, prefix: string, local = localAttempts): readonly Attempts[] =>
    Array.from({ length: count }, () => redisAttempts(here.connect({ prefix }).redis, local()));

  attemptsContract('redisAttempts', () => ({
    attempts: redisAttempts(here.connect().redis, none),
    pass: async (ms) => {
      await delay(ms);
      return now;
    },
  }));

  test('redisAttempts counts what all replicas have begun, also at the same time', async () => {
    const all = replicas(4, 'together');
    const waits = await Promise.all(Array.from({ length: 40 }, async (_, i) => all[i % 4]?.begin([one], now)));
    assert.equal(waits.filter((wait) => wait === 0).length, 3);
    await all[1]?.release({ forgive: [], clear: [one] });
    // What a replica has counted itself is for it to forget.
    assert.equal(await replicas(1, 'together')[0]?.begin([one], now), 0);
  });

  test('redisAttempts does not count here what another replica has used up', async () => {
    const [slow, there] = replicas(2, 'refused');
    for (let i = 0; i < 3; i++) assert.equal(await there?.begin([one], now), 0);
    for (let i = 0; i < 5; i++) assert.notEqual(await slow?.begin([one], now), 0);
    await there?.release({ forgive: [], clear: [one] });
    for (let i = 0; i < 3; i++) assert.equal(await slow?.begin([one], now), 0);
  });

  test('redisAttempts counts on in each process while Redis is down, and together when it is back', async () => {
    const { redis } = here.connect({ prefix: 'down' });
    const attempts = redisAttempts(redis, localAttempts());
    assert.equal(await attempts.begin([one], now), 0);
    await redis.close();
    for (let i = 0; i < 2; i++) assert.equal(await attempts.begin([one], now), 0);
    assert.notEqual(await attempts.begin([one], now), 0);
    await attempts.release({ forgive: [], clear: [one] });
    assert.equal(await attempts.begin([one], now), 0);
  });

  test('redisAttempts leaves neither names nor addresses in Redis, and no key for ever', async () => {
    const { redis } = here.connect({ prefix: 'words' });
    const attempts = redisAttempts(redis, localAttempts());
    const name = { ...one, kind: 'name', key: 'corp\\alice' } as const;
    await attempts.begin([name, { ...one, kind: 'address', key: '192.0.2.7' }], now);
    const keys = await redis.run((client) => client.keys('{words}:*'));
    assert.equal(keys.length, 2);
    for (const key of keys) {
      assert.match(key, /^\{words\}:attempts:(?:name|address):[\w-]{43}$/);
      assert.ok((await redis.run((client) => client.pttl(key))) > 0);
    }
  });

  test('passwordSource() throttles one name together on all replicas', async () => {
    const parameters = { ...defaultParameters, memory: 8, passes: 1 };
    const hash = await hashPassword('right', parameters);
    const users = [{ name: 'alice', groups: [], passwordHash: hash }];
    const sources = replicas(2, 'sign-in').map((attempts) =>
      passwordSource({ users, parameters, lifetimeMs: 1_000, attempts, onTrouble: () => {} }),
    );
    const reasons: string[] = [];
    for (let i = 0; i < 12; i++) {
      const outcome = await sources[i % 2]?.signIn(i % 3 === 0 ? 'ALICE' : 'alice', 'wrong', '192.0.2.7', now);
      reasons.push(outcome?.kind === 'rejected' ? outcome.reason : 'accepted');
    }
    assert.deepEqual(reasons.slice(0, 10), Array(10).fill('wrong-name-or-password'));
    assert.deepEqual(reasons.slice(10), ['throttled', 'throttled']);
  });
});
