import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Restarts } from './restarts.ts';

const policy = { firstDelayMs: 100, longestDelayMs: 1_000, soundMs: 60_000, failedStarts: 3 };

test('Restarts lets a thread that dies again and again wait longer each time, up to a bound', () => {
  const restarts = new Restarts(policy);
  const delays = Array.from({ length: 6 }, () => restarts.died(10));
  assert.deepEqual(delays, [100, 200, 400, 800, 1_000, 1_000]);
});

test('Restarts begins again with a thread that has lived long enough', () => {
  const restarts = new Restarts(policy);
  for (let i = 0; i < 5; i++) restarts.died(10);
  assert.equal(restarts.died(60_000), 100);
  assert.equal(restarts.died(10), 200);
});

test('Restarts gives up after some starts in a row that failed', () => {
  const restarts = new Restarts(policy);
  assert.deepEqual(
    [restarts.failedToStart(), restarts.failedToStart(), restarts.failedToStart()],
    [100, 200, undefined],
  );
});

test('Restarts does not give up a thread that did start in between', () => {
  const restarts = new Restarts(policy);
  restarts.failedToStart();
  restarts.failedToStart();
  restarts.died(10);
  assert.equal(restarts.failedToStart(), 100);
});

test('Restarts waits a bounded time also after very many deaths', () => {
  const restarts = new Restarts(policy);
  for (let i = 0; i < 5_000; i++) assert.ok(restarts.died(0) <= 1_000);
});
