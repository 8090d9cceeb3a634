import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Schedule } from './stream-schedule.ts';

test('Schedule gives what is due, never early, and at most a quarter of a second late', () => {
  const schedule = new Schedule<string>();
  schedule.set('a', 1_001);
  assert.deepEqual(schedule.due(1_000, 10), []);
  assert.deepEqual(schedule.due(1_250, 10), ['a']);
  assert.deepEqual(schedule.due(99_999, 10), []);
});

test('Schedule gives no more than asked for, and the rest the next time', () => {
  const schedule = new Schedule<number>();
  for (let i = 0; i < 5; i++) schedule.set(i, 1_000 + i);
  const [first, second] = [schedule.due(5_000, 3), schedule.due(5_000, 3)];
  assert.deepEqual([first.length, second.length], [3, 2]);
  assert.deepEqual(
    [...first, ...second].sort((a, b) => a - b),
    [0, 1, 2, 3, 4],
  );
});

test('Schedule forgets the time before when an item gets another one, and all of one that is deleted', () => {
  const schedule = new Schedule<string>();
  schedule.set('a', 1_000);
  schedule.set('b', 1_000);
  schedule.set('a', 50_000);
  schedule.delete('b');
  assert.deepEqual(schedule.due(49_000, 10), []);
  assert.deepEqual(schedule.due(50_000, 10), ['a']);
  assert.equal(schedule.size, 0);
});

test('Schedule finds what is far apart without counting through the years between', () => {
  const schedule = new Schedule<string>();
  schedule.set('old', 0);
  schedule.set('new', Date.UTC(2026, 10, 22));
  assert.deepEqual(schedule.due(Date.UTC(2026, 10, 23), 10), ['old', 'new']);
});

test('Schedule gives each item once, in whatever order they are set, moved, deleted and taken', () => {
  const step = fc.record({ item: fc.nat(20), at: fc.nat(20_000), deleted: fc.boolean(), taken: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const schedule = new Schedule<number>();
      const expected = new Map<number, number>();
      let now = 0;
      for (const { item, at, deleted, taken } of steps) {
        now = Math.max(now, at / 2);
        if (deleted) {
          schedule.delete(item);
          expected.delete(item);
        } else {
          schedule.set(item, at);
          expected.set(item, at);
        }
        for (const due of schedule.due(now, taken)) {
          const when = expected.get(due);
          assert.ok(when !== undefined && when <= now, `${due} is due at ${when}, not at ${now}`);
          expected.delete(due);
        }
        assert.equal(schedule.size, expected.size);
      }
      const rest = schedule.due(1_000_000, 1_000);
      assert.deepEqual(
        [...rest].sort((a, b) => a - b),
        [...expected.keys()].sort((a, b) => a - b),
      );
    }),
  );
});
