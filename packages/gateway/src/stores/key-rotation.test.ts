import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { KeyRing } from '../tokens/key-ring.ts';
import { sealer } from '../tokens/seal.ts';
import { openKeys } from './key-file.ts';
import { startKeyRotation } from './key-rotation.ts';

const day = 86_400_000;
const hour = 3_600_000;

function setUp(t: TestContext) {
  const state = mkdtempSync(join(tmpdir(), 'cardea-keys-'));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  t.mock.timers.enable({ apis: ['setInterval'] });
  let clock = 1_000_000;
  const ring = new KeyRing(openKeys(state, clock));
  const troubles: string[] = [];
  const start = (): void => {
    const rotation = startKeyRotation({
      state,
      ring,
      everyMs: 30 * day,
      longestUseMs: 8 * hour,
      now: () => clock,
      onRotated: () => {},
      onTrouble: (message) => troubles.push(message),
    });
    t.after(() => rotation.close());
  };
  const pass = (ms: number): void => {
    clock += ms;
    t.mock.timers.tick(60_000);
  };
  return { state, ring, start, pass, troubles };
}

test('startKeyRotation() leaves a young key alone', (t) => {
  const { ring, start, pass } = setUp(t);
  const { id } = ring.newest;
  start();
  pass(30 * day - 1);
  assert.equal(ring.newest.id, id);
});

test('startKeyRotation() makes a new key when the newest one is due, and what was sealed before still opens', (t) => {
  const { ring, start, pass } = setUp(t);
  const { id } = ring.newest;
  const sealed = sealer(ring, 'session').seal(Buffer.from('who'));
  start();
  pass(30 * day);
  assert.notEqual(ring.newest.id, id);
  assert.equal(Buffer.from(sealer(ring, 'session').open(sealed) ?? []).toString(), 'who');
});

test('startKeyRotation() writes the new key down, so that a restart goes on with it', (t) => {
  const { state, ring, start, pass } = setUp(t);
  start();
  pass(30 * day);
  assert.equal(openKeys(state, 0)[0]?.id, ring.newest.id);
});

test('startKeyRotation() drops a key when everything that it sealed has ended', (t) => {
  const { ring, start, pass } = setUp(t);
  const { id } = ring.newest;
  start();
  pass(30 * day);
  pass(30 * day);
  assert.ok(ring.keys.every((key) => key.id !== id));
});

test('startKeyRotation() takes over a key that another process has made in the meantime', (t) => {
  const { state, ring, start, pass } = setUp(t);
  const other = new KeyRing(ring.keys);
  start();
  pass(30 * day);
  const made = ring.newest.id;
  ring.replace(other.keys);
  pass(0);
  assert.equal(ring.newest.id, made);
  assert.equal(openKeys(state, 0).length, 2);
});

test('startKeyRotation() goes on with the old key when the file cannot be used, and says so', (t) => {
  const { state, ring, start, pass, troubles } = setUp(t);
  const { id } = ring.newest;
  start();
  chmodSync(join(state, 'keys.json'), 0o644);
  pass(30 * day);
  assert.equal(ring.newest.id, id);
  assert.match(troubles[0] ?? '', /^Cannot rotate keys: /);
});
