import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import type { Limiter } from '../ports/limiter.ts';
import { memoryLimiter } from '../stores/limiter-memory.ts';
import { Leases } from './leases.ts';

const leaseMs = 3_000;

/** The real limiter, a clock that the test moves, and the leases of one thread. */
function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_000_000 });
  const limiter = memoryLimiter(() => Date.now());
  const leases = new Leases(limiter);
  return { limiter, leases, pass: (ms: number) => t.mock.timers.tick(ms) };
}

/** Whether somebody who may have one request in progress gets a place now; takes it when there is one. */
async function gets(limiter: Limiter, lease: string): Promise<boolean> {
  const checks = [{ key: 'person:1', concurrent: 1 }];
  return (await limiter.acquire({ app: 'llm', checks, lease, leaseMs, tokens: 0 })).granted;
}

test('Leases renews what is held for as long as it is held, and no longer', async (t) => {
  const { limiter, leases, pass } = setUp(t);
  assert.equal(await gets(limiter, 'a'), true);
  leases.hold('a', leaseMs);
  for (let i = 0; i < 10; i++) pass(1_000);
  assert.equal(await gets(limiter, 'b'), false);
  leases.release('a', leaseMs, {});
  assert.equal(await gets(limiter, 'c'), true);
  assert.equal(leases.size, 0);
});

test('Leases leaves what is not held to its end', async (t) => {
  const { limiter, leases, pass } = setUp(t);
  assert.equal(await gets(limiter, 'a'), true);
  leases.hold('a', leaseMs);
  await leases.close();
  pass(leaseMs + 1);
  assert.equal(await gets(limiter, 'b'), true);
});

test('Leases holds a place until it is known what was used', async (t) => {
  const { limiter, leases, pass } = setUp(t);
  const used = Promise.withResolvers<{ tokens: number }>();
  await gets(limiter, 'a');
  leases.hold('a', leaseMs);
  leases.release('a', leaseMs, used.promise);
  for (let i = 0; i < 5; i++) pass(1_000);
  assert.equal(await gets(limiter, 'b'), false);
  used.resolve({ tokens: 5 });
  await leases.close();
  assert.equal(await gets(limiter, 'c'), true);
});

test('Leases waits at its close for what is being given back', async () => {
  const given = Promise.withResolvers<void>();
  const release = mock.fn(() => given.promise);
  const leases = new Leases({ renew: () => {}, release });
  leases.hold('a', leaseMs);
  leases.release('a', leaseMs, { tokens: 7 });
  let closed = false;
  const closing = leases.close().then(() => (closed = true));
  await new Promise(setImmediate);
  assert.equal(closed, false);
  given.resolve();
  await closing;
  assert.deepEqual(release.mock.calls[0]?.arguments, ['a', { tokens: 7 }]);
});

test('Leases gives a place back also when what was used cannot be found out', async (t) => {
  const { limiter, leases } = setUp(t);
  await gets(limiter, 'a');
  leases.hold('a', leaseMs);
  leases.release('a', leaseMs, Promise.reject(new Error('broken')));
  await leases.close();
  assert.equal(await gets(limiter, 'b'), true);
});
