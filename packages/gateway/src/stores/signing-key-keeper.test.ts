import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeptKeys, SigningKeyStore } from '../ports/signing-keys.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { KeyRing, newMasterKey, rotated } from '../tokens/key-ring.ts';
import { sealedBy, sealer } from '../tokens/seal.ts';
import { SigningRing } from '../tokens/signing-ring.ts';
import { type Keeper, keepSigningKeys, longestSealedKeys } from './signing-key-keeper.ts';

const hour = 3_600_000;
const day = 24 * hour;
const schedule = { algorithm: 'ES256', bits: 2048, everyMs: 30 * day, aheadMs: hour, longestTokenMs: hour } as const;

/** A store in memory, that can be out of reach, or emptied. */
class Kept implements SigningKeyStore {
  value: KeptKeys | undefined;
  down = false;
  /** Called before something is replaced. */
  before: () => void = () => {};

  read(): KeptKeys | undefined {
    if (this.down) throw new StoreUnavailable('the store is down');
    return this.value;
  }
  replace(version: number | undefined, text: string): boolean {
    this.before();
    if (this.down) throw new StoreUnavailable('the store is down');
    if (this.value?.version !== version) return false;
    this.value = { version: (version ?? 0) + 1, text };
    return true;
  }
}

interface Party {
  readonly keeper: Keeper;
  readonly ring: SigningRing;
  readonly made: (string | undefined)[];
  readonly trouble: string[];
  readonly kids: () => readonly string[];
}

function party(store: SigningKeyStore, sealing: KeyRing, now: () => number): Party {
  const ring = new SigningRing();
  const [made, trouble]: [(string | undefined)[], string[]] = [[], []];
  const keeper = keepSigningKeys({
    store,
    sealer: sealer(sealing, 'signing-keys', longestSealedKeys),
    ring,
    schedule,
    sealingKey: () => sealing.newest.id,
    now,
    onChanged: (kid) => made.push(kid),
    onTrouble: (message) => trouble.push(message),
  });
  return { keeper, ring, made, trouble, kids: () => ring.keys.map(({ kid }) => kid) };
}

test('keepSigningKeys() makes a first key, tells of it, and finds it again after a restart', async () => {
  const [store, sealing] = [new Kept(), new KeyRing([newMasterKey(0)])];
  const first = party(store, sealing, () => 0);
  await first.keeper.ready;
  await first.keeper.close();
  assert.deepEqual(first.made, first.kids());
  assert.equal(first.ring.signer(0)?.kid, first.made[0]);
  const second = party(store, sealing, () => 1);
  await second.keeper.ready;
  await second.keeper.close();
  assert.deepEqual([second.kids(), second.made], [first.kids(), [undefined]]);
});

test('keepSigningKeys() keeps no key in the clear', async () => {
  const [store, sealing] = [new Kept(), new KeyRing([newMasterKey(0)])];
  const { keeper, ring } = party(store, sealing, () => 0);
  await keeper.ready;
  await keeper.close();
  const secret = ring.keys[0]?.privateKey?.export({ format: 'jwk' }).d;
  assert.ok(secret !== undefined && store.value !== undefined);
  const plain = Buffer.from(store.value.text, 'base64url').toString('latin1');
  for (const text of [store.value.text, plain]) assert.equal(text.includes(secret) || text.includes('keys'), false);
});

test('keepSigningKeys() turns keys, the new one published before it signs, and forgets the old one in the end', async () => {
  const [store, sealing] = [new Kept(), new KeyRing([newMasterKey(0)])];
  let now = 0;
  const { keeper, ring, kids } = party(store, sealing, () => now);
  await keeper.ready;
  const [old] = kids();
  now = 30 * day - hour;
  await keeper.look();
  const [, next] = kids();
  assert.deepEqual([kids().length, ring.signer(now)?.kid, ring.signer(30 * day)?.kid], [2, old, next]);
  now = 30 * day + 3 * hour;
  await keeper.look();
  assert.deepEqual(kids(), [next]);
  await keeper.close();
});

test('keepSigningKeys() makes one key when several replicas start, or turn, at the same time', async () => {
  const [store, sealing] = [new Kept(), new KeyRing([newMasterKey(0)])];
  let now = 0;
  const parties = [1, 2, 3].map(() => party(store, sealing, () => now));
  await Promise.all(parties.map(({ keeper }) => keeper.ready));
  assert.equal(new Set(parties.map(({ kids }) => kids().join())).size, 1);
  assert.equal(parties[0]?.kids().length, 1);
  now = 30 * day;
  await Promise.all(parties.map(({ keeper }) => keeper.look()));
  await Promise.all(parties.map(({ keeper }) => keeper.look()));
  assert.equal(new Set(parties.map(({ kids }) => kids().join())).size, 1);
  assert.equal(parties[0]?.kids().length, 2);
  for (const { keeper } of parties) await keeper.close();
});

test('keepSigningKeys() seals anew when the key ring has turned', async () => {
  const [store, sealing] = [new Kept(), new KeyRing([newMasterKey(0)])];
  const { keeper, kids } = party(store, sealing, () => 0);
  await keeper.ready;
  const before = kids();
  sealing.replace(rotated(sealing.keys, 1_000, hour));
  await keeper.look();
  assert.equal(sealedBy(store.value?.text ?? ''), sealing.newest.id);
  assert.deepEqual(kids(), before);
  await keeper.close();
});

test('keepSigningKeys() says what to do about keys that cannot be opened, once, and makes no others', async () => {
  const store = new Kept();
  const first = party(store, new KeyRing([newMasterKey(0)]), () => 0);
  await first.keeper.ready;
  await first.keeper.close();
  const { value } = store;
  const second = party(store, new KeyRing([newMasterKey(0)]), () => 0);
  await second.keeper.ready;
  await second.keeper.look();
  await second.keeper.close();
  assert.deepEqual([second.kids(), store.value], [[], value]);
  assert.equal(second.trouble.length, 1);
  assert.match(second.trouble[0] ?? '', /signing-keys reset/);
});

test('keepSigningKeys() goes on with the keys that it has while the store is down, and gives them back to one that was emptied', async () => {
  const [store, sealing] = [new Kept(), new KeyRing([newMasterKey(0)])];
  const { keeper, kids, trouble } = party(store, sealing, () => 0);
  await keeper.ready;
  const before = kids();
  store.down = true;
  await keeper.look();
  assert.deepEqual([kids(), trouble.length], [before, 1]);
  store.down = false;
  store.value = undefined;
  await keeper.look();
  await keeper.close();
  const other = party(store, sealing, () => 0);
  await other.keeper.ready;
  await other.keeper.close();
  assert.deepEqual(other.kids(), before);
});

test('keepSigningKeys() takes over what somebody else has changed', async () => {
  const [store, sealing] = [new Kept(), new KeyRing([newMasterKey(0)])];
  const one = party(store, sealing, () => 0);
  await one.keeper.ready;
  store.value = undefined; // emptied, and filled by another one
  const other = party(store, sealing, () => 0);
  await other.keeper.ready;
  await one.keeper.look();
  assert.deepEqual(one.kids(), other.kids());
  await one.keeper.close();
  await other.keeper.close();
});
