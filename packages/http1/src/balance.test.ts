import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { afterFailure, type Candidate, choose, type Health, WELL, whileTrying } from './balance.ts';

const NOBODY: ReadonlySet<Candidate> = new Set();
const at = (busy: number, health: Health = WELL): Candidate => ({ busy, health });

test('choose() takes the address with the fewest requests in progress', () => {
  assert.equal(choose([at(3), at(1), at(2)], 0, 0, NOBODY), 1);
});

test('choose() lets equals take turns', () => {
  const equal = [at(1), at(1), at(1)];
  assert.deepEqual(
    [0, 1, 2].map((turn) => choose(equal, 0, turn, NOBODY)),
    [0, 1, 2],
  );
});

test('choose() avoids an address that rests, however busy the others are', () => {
  assert.equal(choose([at(0, { failures: 1, restUntil: 10 }), at(50)], 9, 0, NOBODY), 1);
});

test('choose() comes back to an address when its rest is over', () => {
  assert.equal(choose([at(0, { failures: 1, restUntil: 10 }), at(50)], 10, 0, NOBODY), 0);
});

test('choose() takes the one whose rest ends first where all rest', () => {
  const resting = [20, 10, 30].map((restUntil) => at(0, { failures: 1, restUntil }));
  assert.equal(choose(resting, 0, 0, NOBODY), 1);
});

test('choose() never takes an excluded address, and gives undefined when there is no other', () => {
  const all = [at(0), at(1)];
  assert.equal(choose(all, 0, 0, new Set([all[0]])), 1);
  assert.equal(choose(all, 0, 0, new Set(all)), undefined);
});

test('choose() never prefers a resting or a busier address, whatever the turn', () => {
  const candidate = fc.record({
    busy: fc.nat(5),
    health: fc.record({ failures: fc.nat(3), restUntil: fc.nat(20) }),
  });
  fc.assert(
    fc.property(fc.array(candidate, { minLength: 1, maxLength: 5 }), fc.nat(20), fc.nat(4), (all, now, turn) => {
      const chosen = all[choose(all, now, turn % all.length, NOBODY) as number] as Candidate;
      const awake = all.filter(({ health }) => health.restUntil <= now);
      if (awake.length === 0)
        assert.equal(chosen.health.restUntil, Math.min(...all.map(({ health }) => health.restUntil)));
      else {
        assert.equal(awake.includes(chosen), true);
        assert.equal(chosen.busy, Math.min(...awake.map(({ busy }) => busy)));
      }
    }),
  );
});

test('afterFailure() gives rests that double, up to half a minute', () => {
  const rests: number[] = [];
  let health = WELL;
  for (let i = 0; i < 7; i++) {
    health = afterFailure(health, 100);
    rests.push(health.restUntil - 100);
  }
  assert.deepEqual(rests, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test('whileTrying() keeps others away from an address that failed, and leaves a good one alone', () => {
  assert.deepEqual(whileTrying({ failures: 2, restUntil: 5 }, 10, 500), { failures: 2, restUntil: 510 });
  assert.equal(whileTrying(WELL, 10, 500), WELL);
});
