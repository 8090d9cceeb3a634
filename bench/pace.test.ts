import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atPace, Pace } from './pace.ts';

test('Pace.due() adds up to the rate, whatever the ticks are', () => {
  const pace = new Pace(2_500);
  let sum = 0;
  for (const elapsed of [1, 2, 2.9, 7, 7, 500, 1_000]) sum += pace.due(elapsed);
  assert.equal(sum, 2_500);
});

test('Pace.due() spreads a rate below the ticks', () => {
  const pace = new Pace(500);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((elapsed) => pace.due(elapsed)),
    [0, 1, 0, 1, 0, 1],
  );
});

test('Pace.due() is never negative when a clock goes back', () => {
  const pace = new Pace(1_000);
  assert.equal(pace.due(10), 10);
  assert.equal(pace.due(5), 0);
});

test('atPace() calls as often as the rate asks for in that time, and no more', async () => {
  let calls = 0;
  await atPace(3_000, 0.05, () => void calls++);
  assert.equal(calls, 150);
});

test('atPace() rejects with what the call throws', () =>
  assert.rejects(
    atPace(1_000, 10, () => {
      throw new Error('lost');
    }),
    /lost/,
  ));
