import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hoursMatcher, parseHours } from './hours.ts';

const moments = [
  // 2026-11-20 is a Friday; Berlin is UTC+1 then.
  ['fri 07:00-19:00 Europe/Berlin', '2026-11-20T06:00:00Z', true],
  ['fri 07:00-19:00 Europe/Berlin', '2026-11-20T05:59:59.999Z', false],
  ['fri 07:00-19:00 Europe/Berlin', '2026-11-20T17:59:59.999Z', true],
  ['fri 07:00-19:00 Europe/Berlin', '2026-11-20T18:00:00Z', false],
  ['mon-fri 07:00-19:00 UTC', '2026-11-20T12:00:00Z', true],
  ['mon-fri 07:00-19:00 UTC', '2026-11-21T12:00:00Z', false],
  ['sat-mon 07:00-19:00 UTC', '2026-11-22T12:00:00Z', true],
  ['sat-mon 07:00-19:00 UTC', '2026-11-20T12:00:00Z', false],
  ['wed,fri 07:00-19:00 UTC', '2026-11-20T12:00:00Z', true],
  ['07:00-19:00 UTC', '2026-11-21T12:00:00Z', true],
  ['00:00-24:00 UTC', '2026-11-21T23:59:59Z', true],
  // Over midnight: the day is the one on which it begins.
  ['fri 22:00-06:00 UTC', '2026-11-20T21:59:59Z', false],
  ['fri 22:00-06:00 UTC', '2026-11-20T22:00:00Z', true],
  ['fri 22:00-06:00 UTC', '2026-11-21T05:59:59Z', true],
  ['fri 22:00-06:00 UTC', '2026-11-21T06:00:00Z', false],
  ['fri 22:00-06:00 UTC', '2026-11-20T03:00:00Z', false],
  ['sat 22:00-06:00 UTC', '2026-11-22T03:00:00Z', true],
  ['sat 18:00-00:00 UTC', '2026-11-21T23:59:59Z', true],
  ['sat 18:00-00:00 UTC', '2026-11-22T00:00:00Z', false],
  // Clocks go forward on 2026-03-29 at 01:00 UTC (02:00 there becomes 03:00), and back on 2026-10-25 at 01:00 UTC.
  ['sun 02:00-03:00 Europe/Berlin', '2026-03-29T00:59:00Z', false],
  ['sun 02:00-03:00 Europe/Berlin', '2026-03-29T01:00:00Z', false],
  ['sun 01:00-04:00 Europe/Berlin', '2026-03-29T01:59:00Z', true],
  ['sun 01:00-04:00 Europe/Berlin', '2026-03-29T02:00:00Z', false],
  ['sun 02:00-03:00 Europe/Berlin', '2026-10-25T00:30:00Z', true],
  ['sun 02:00-03:00 Europe/Berlin', '2026-10-25T01:30:00Z', true],
  ['sun 02:00-03:00 Europe/Berlin', '2026-10-25T02:00:00Z', false],
  ['sat 22:00-06:00 Europe/Berlin', '2026-10-25T04:59:00Z', true],
  ['sat 22:00-06:00 Europe/Berlin', '2026-10-25T05:00:00Z', false],
  ['09:00-10:00 Asia/Kathmandu', '2026-11-20T03:15:00Z', true],
  ['09:00-10:00 Asia/Kathmandu', '2026-11-20T03:14:59Z', false],
] as const;

for (const [text, moment, within] of moments)
  test(`hoursMatcher() has ${moment} ${within ? 'within' : 'outside of'} ${text}`, () => {
    assert.equal(hoursMatcher(text)(Date.parse(moment)), within);
  });

test('hoursMatcher() gives one answer for a moment whatever it was asked before', () => {
  const matches = hoursMatcher('mon-fri 22:00-06:00 America/New_York');
  const moment = fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) });
  fc.assert(
    fc.property(moment, (at) => {
      assert.equal(matches(at), hoursMatcher('mon-fri 22:00-06:00 America/New_York')(at));
    }),
    { numRuns: 300 },
  );
});

test('hoursMatcher() counts a day that begins and ends at the same times once, and its complement else', () => {
  const [day, night] = [hoursMatcher('06:00-22:00 Europe/Berlin'), hoursMatcher('22:00-06:00 Europe/Berlin')];
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) }), (at) => {
      assert.notEqual(day(at), night(at));
    }),
    { numRuns: 300 },
  );
});

const faults = [
  ['morning', 'hours-form'],
  ['7:00-19:00 UTC', 'hours-form'],
  ['07:00 - 19:00 UTC', 'hours-form'],
  ['mon-fri', 'hours-form'],
  ['07:00-19:00 UTC ', 'hours-form'],
  ['mon-  07:00-19:00 UTC', 'hours-form'],
  ['07:00-19:00', 'hours-no-zone'],
  ['07:60-19:00 UTC', 'hours-time'],
  ['07:00-24:01 UTC', 'hours-time'],
  ['24:00-06:00 UTC', 'hours-time'],
  ['07:00-07:00 UTC', 'hours-empty'],
  ['mo-fr 07:00-19:00 UTC', 'hours-unknown-day'],
  ['mon-wed-fri 07:00-19:00 UTC', 'hours-unknown-day'],
  ['mon,mo 07:00-19:00 UTC', 'hours-unknown-day'],
  ['07:00-19:00 Europe/Berlinn', 'hours-zone'],
] as const;

for (const [text, reason] of faults)
  test(`parseHours() says ${reason} to "${text}"`, () => assert.deepEqual(parseHours(text), { kind: 'wrong', reason }));

test('hoursMatcher() throws for a text that is no time', () => assert.throws(() => hoursMatcher('always'), TypeError));
