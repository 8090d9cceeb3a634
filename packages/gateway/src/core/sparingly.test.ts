import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparingly } from './sparingly.ts';

test('sparingly() writes so many times a second, and then says how many were left out', () => {
  const written: object[] = [];
  let now = 5_000;
  const write = sparingly(
    2,
    () => now,
    (details: object) => written.push(details),
  );
  for (let i = 0; i < 5; i++) write({ i });
  assert.deepEqual(written, [{ i: 0 }, { i: 1 }]);
  now = 6_000;
  write({ i: 5 });
  write({ i: 6 });
  assert.deepEqual(written.slice(2), [{ i: 5, leftOut: 3 }, { i: 6 }]);
});
