import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renewalTime, worthOf } from './renewal.ts';

const token = { value: 'x', receivedAt: 100_000, expiresAt: 1_900_000 };

test('renewalTime() lies between 70 and 80 percent of the life, as the dice fall', () => {
  assert.equal(renewalTime(token, 0), 100_000 + 1_440_000);
  assert.equal(renewalTime(token, 1), 100_000 + 1_260_000);
});

const cases: readonly (readonly [now: number, worth: string, what: string])[] = [
  [100_000, 'good', 'a new one'],
  [1_499_999, 'good', 'one just before its renewal'],
  [1_500_000, 'due', 'one at its renewal'],
  [1_889_999, 'due', 'one with a little more than ten seconds left'],
  [1_890_000, 'over', 'one with ten seconds left'],
  [40_000, 'good', 'one a minute before it came, by a clock that was set back a little'],
  [39_999, 'over', 'one more than a minute before it came'],
];
for (const [now, worth, what] of cases)
  test(`worthOf() ${what} is ${worth}`, () => assert.equal(worthOf(token, 1_500_000, now), worth));
