import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExchangeTurns } from './exchange-turns.ts';
import { ProviderUnavailable } from './refusal.ts';

test('ExchangeTurns holds one address to its limit, refuses what is too much, and lets another one through at once', async () => {
  const turns = new ExchangeTurns({ atATime: 2, waiting: 1 });
  const { promise, resolve } = Promise.withResolvers<void>();
  let begun = 0;
  const slow = async (): Promise<void> => {
    begun++;
    await promise;
  };
  const stranger = [1, 2, 3].map(() => turns.run('192.0.2.1', slow));
  await assert.rejects(turns.run('192.0.2.1', slow), ProviderUnavailable);
  assert.equal(begun, 2);
  assert.equal(await turns.run('192.0.2.2', async () => 'in'), 'in');
  resolve();
  await Promise.all(stranger);
  assert.equal(begun, 3);
});

test('ExchangeTurns remembers no address that has nothing under way, also after a failure', async () => {
  const turns = new ExchangeTurns();
  await turns.run('192.0.2.1', async () => 'in');
  await assert.rejects(
    turns.run('192.0.2.1', () => Promise.reject(new RangeError('no'))),
    RangeError,
  );
  assert.equal(turns.size, 0);
});
