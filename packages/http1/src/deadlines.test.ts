import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadlines } from './deadlines.ts';

function at(shortestMs: number): { readonly deadlines: Deadlines; readonly pass: (ms: number) => void } {
  let now = 1_000;
  const deadlines = new Deadlines(shortestMs, () => now);
  deadlines.close();
  return {
    deadlines,
    pass: (ms) => {
      now += ms;
      deadlines.look();
    },
  };
}

test('Deadlines looks several times within the shortest limit, and never less than once a second', () => {
  assert.equal(at(400).deadlines.everyMs, 100);
  assert.equal(at(60_000).deadlines.everyMs, 1_000);
  assert.equal(at(1).deadlines.everyMs, 20);
});

test('Deadlines never lets a limit end early, though its clock stands still between two looks', () => {
  const { deadlines, pass } = at(400);
  const due = deadlines.after(400);
  // The limit may have begun just before the next look.
  pass(99);
  assert.equal(deadlines.now + 400 < due, true);
  pass(401);
  assert.equal(deadlines.now >= due, true);
});

test('Deadlines asks everybody at each look, also those who leave meanwhile', () => {
  const { deadlines, pass } = at(400);
  const asked: string[] = [];
  const first = {
    check: () => {
      asked.push('first');
      deadlines.timed.delete(first);
    },
  };
  deadlines.timed.add(first).add({ check: () => asked.push('second') });
  pass(100);
  pass(100);
  assert.deepEqual(asked, ['first', 'second', 'second']);
});
