import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outdated } from './outdated.ts';

test('Outdated covers what was found out about a person up to the moment that was noted, and nothing else', () => {
  const outdated = new Outdated(60_000);
  assert.equal(outdated.covers('alice', 1_000, 2_000), false);
  outdated.note('alice', 1_000);
  assert.deepEqual(
    [999, 1_000, 1_001].map((foundAt) => outdated.covers('alice', foundAt, 2_000)),
    [true, true, false],
  );
  assert.equal(outdated.covers('bob', 1_000, 2_000), false);
});

test('Outdated goes by the latest of several moments, in whatever order they are heard of', () => {
  const outdated = new Outdated(60_000);
  outdated.note('alice', 2_000);
  outdated.note('alice', 1_000);
  assert.equal(outdated.covers('alice', 1_500, 3_000), true);
});

test('Outdated forgets a moment when nothing can be remembered that is as old', () => {
  const outdated = new Outdated(60_000);
  outdated.note('alice', 1_000);
  assert.deepEqual(
    [60_999, 61_000].map((now) => outdated.covers('alice', 1_000, now)),
    [true, false],
  );
});
