import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Throttle } from './throttle.ts';

const make = (): Throttle => new Throttle({ limit: 3, windowMs: 100, maxKeys: 2 });

test('Throttle allows as many attempts as the limit says, and then tells how long to wait', () => {
  const throttle = make();
  for (let i = 0; i < 3; i++) {
    assert.equal(throttle.wait('a', 10), 0);
    throttle.begin('a', 10);
  }
  assert.equal(throttle.wait('a', 30), 80);
});

test('Throttle counts each key by itself', () => {
  const throttle = make();
  for (let i = 0; i < 3; i++) throttle.begin('a', 0);
  assert.equal(throttle.wait('b', 0), 0);
});

test('Throttle allows again when the window has passed', () => {
  const throttle = make();
  for (let i = 0; i < 3; i++) throttle.begin('a', 0);
  assert.equal(throttle.wait('a', 99), 1);
  assert.equal(throttle.wait('a', 100), 0);
});

test('Throttle gives an attempt back', () => {
  const throttle = make();
  for (let i = 0; i < 3; i++) throttle.begin('a', 0);
  throttle.forgive('a');
  assert.equal(throttle.wait('a', 0), 0);
  throttle.begin('a', 0);
  assert.notEqual(throttle.wait('a', 0), 0);
});

test('Throttle never owes attempts', () => {
  const throttle = make();
  throttle.begin('a', 0);
  for (let i = 0; i < 10; i++) throttle.forgive('a');
  for (let i = 0; i < 3; i++) throttle.begin('a', 0);
  assert.notEqual(throttle.wait('a', 0), 0);
});

test('Throttle forgets a key when told to', () => {
  const throttle = make();
  for (let i = 0; i < 3; i++) throttle.begin('a', 0);
  throttle.clear('a');
  assert.equal(throttle.wait('a', 0), 0);
});

test('Throttle remembers no more keys than it may', () => {
  const throttle = make();
  for (const key of ['a', 'b', 'c', 'd']) throttle.begin(key, 0);
  assert.equal(throttle.size, 2);
});

test('Throttle lets attempts that were never made push no other key out', () => {
  const throttle = make();
  for (let i = 0; i < 3; i++) throttle.begin('a', 0);
  for (let i = 0; i < 10; i++) {
    throttle.begin(`key ${i}`, 0);
    throttle.forgive(`key ${i}`);
  }
  assert.notEqual(throttle.wait('a', 0), 0);
  assert.equal(throttle.size, 1);
});
