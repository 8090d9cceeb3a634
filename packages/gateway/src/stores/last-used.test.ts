import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLastUsed } from './last-used.ts';

test('startLastUsed() writes from time to time, goes on after a failure, and says once that something is wrong', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  let written = 0;
  let broken = false;
  const troubles: string[] = [];
  const flush = async (): Promise<void> => {
    if (broken) throw new Error('down');
    written++;
  };
  const lastUsed = startLastUsed({ flush, everyMs: 1_000, onTrouble: (message) => troubles.push(message) });
  const turn = async (): Promise<void> => {
    context.mock.timers.tick(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await turn();
  broken = true;
  await turn();
  await turn();
  broken = false;
  await turn();
  assert.deepEqual([written, troubles], [2, ['Cannot write when API keys were used: down']]);
  await lastUsed.close();
  assert.equal(written, 3);
  await turn();
  assert.equal(written, 3);
});
