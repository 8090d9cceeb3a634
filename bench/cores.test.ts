import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coresOf } from './cores.ts';

for (const [cores, measured, around] of [
  [1, undefined, undefined],
  [2, '0', '1'],
  [8, '0', '1'],
] as const)
  test(`coresOf() keeps server and clients apart on ${cores} cores, if it can`, () =>
    assert.deepEqual([coresOf('measured', cores), coresOf('around', cores)], [measured, around]));

test('coresOf() gives two threads two cores where two others are left', () =>
  assert.deepEqual([coresOf('measured-pair', 4), coresOf('around-pair', 4)], ['0,1', '2,3']));

test('coresOf() lets two threads and their clients share where cores are few', () =>
  assert.deepEqual([coresOf('measured-pair', 3), coresOf('around-pair', 3)], [undefined, undefined]));
