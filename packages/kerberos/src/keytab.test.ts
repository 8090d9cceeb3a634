import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { generateKey, importKey } from './etypes.ts';
import { encodeKeytab, Keytab, type KeytabEntry, type KeyLookup, parseKeytab } from './keytab.ts';

const service = { principal: 'HTTP/app.corp.example', realm: 'CORP.EXAMPLE', nameType: 3, timestamp: 5 };
const secret = Buffer.from('5ec7e75ec7e75ec7e75ec7e75ec7e75e', 'hex');
const key = (kvno: number, etype: number, bytes: Uint8Array = generateKey(etype)): KeytabEntry => ({
  ...service,
  kvno,
  etype,
  key: bytes,
});
const ask = (kvno: number | undefined, etype = 17) => ({ ...service, kvno, etype });

/** Which of `entries` the lookup gave, by trying them. */
function found(lookup: KeyLookup, entries: readonly KeytabEntry[]): readonly number[] {
  assert.equal(lookup.kind, 'found');
  if (lookup.kind !== 'found') return [];
  return lookup.keys.map((given) => {
    const sealed = given.encrypt(2, Buffer.from('text'));
    return entries.findIndex(
      ({ etype, key: bytes }) => etype === given.etype && importKey(etype, bytes).decrypt(2, sealed) !== undefined,
    );
  });
}

test('Keytab.find() gives the key of the version and encryption type', () => {
  const entries = [key(1, 17), key(2, 17), key(2, 18)];
  assert.deepEqual(found(new Keytab(entries).find(ask(2)), entries), [1]);
});

test('Keytab.find() gives every key of one version when there are several', () => {
  const entries = [key(2, 17), key(2, 17)];
  assert.deepEqual(found(new Keytab(entries).find(ask(2)), entries), [0, 1]);
});

test('Keytab.find() gives all versions, newest first, when the ticket does not say which', () => {
  const entries = [key(1, 17), key(3, 17), key(2, 17), key(4, 18)];
  assert.deepEqual(found(new Keytab(entries).find(ask(undefined)), entries), [1, 2, 0]);
});

test('Keytab.find() imports a key once, so that what is derived from it is kept', () => {
  const keytab = new Keytab([key(2, 17)]);
  const [one, other] = [keytab.find(ask(2)), keytab.find(ask(undefined))];
  assert.ok(one.kind === 'found' && other.kind === 'found');
  assert.equal(one.keys[0], other.keys[0]);
});

const versions = [
  ['the number of a read-only domain controller in the upper half of the ticket', 0x10002, 2],
  ['the number of a read-only domain controller in the upper half of the keytab', 2, 0x10002],
  ['an old keytab that has only the lowest byte', 0x102, 2],
  ['a keytab of version 0, which stands for any', 5, 0],
] as const;

for (const [what, asked, present] of versions) {
  test(`Keytab.find() gives the key for ${what}`, () => {
    const entries = [key(present, 17), key(7, 17)];
    assert.deepEqual(found(new Keytab(entries).find(ask(asked)), entries), [0]);
  });
}

test('Keytab.find() prefers the exact version, also one sent as a negative number, to one that agrees in part', () => {
  const entries = [key(2, 17), key(0x102, 17), key(0x10102, 17)];
  assert.deepEqual(found(new Keytab(entries).find(ask(0x10102)), entries), [2]);
  assert.deepEqual(found(new Keytab(entries).find(ask(0x20102)), entries), [1, 2]);
  const halves = [key(2, 17), key(0x80000002, 17)];
  assert.deepEqual(found(new Keytab(halves).find(ask(-0x7ffffffe)), halves), [1]);
});

test('Keytab.find() gives a key of version 0 only where no other can be meant', () => {
  const entries = [key(0, 17), key(5, 17)];
  assert.deepEqual(found(new Keytab(entries).find(ask(5)), entries), [1]);
  assert.deepEqual(found(new Keytab(entries).find(ask(6)), entries), [0]);
});

test('Keytab.find() compares principals without regard to ASCII case, and realms exactly', () => {
  const keytab = new Keytab([key(2, 17)]);
  assert.equal(keytab.find({ ...ask(2), principal: 'http/APP.corp.Example' }).kind, 'found');
  assert.deepEqual(keytab.find({ ...ask(2), realm: 'corp.example' }), { kind: 'no-principal' });
});

test('Keytab.find() says that the principal is missing', () => {
  const keytab = new Keytab([key(2, 17), key(2, 18), { ...key(2, 17), principal: 'HTTP/app' }]);
  assert.deepEqual(keytab.find({ ...ask(2), principal: 'HTTP/other' }), { kind: 'no-principal' });
  assert.deepEqual(keytab.principals, ['HTTP/app.corp.example@CORP.EXAMPLE', 'HTTP/app@CORP.EXAMPLE']);
});

test('Keytab.find() says that the encryption type is missing, and what there is', () => {
  assert.deepEqual(new Keytab([key(2, 17), key(3, 23)]).find(ask(2, 18)), {
    kind: 'no-etype',
    present: [
      { ...service, kvno: 2, etype: 17 },
      { ...service, kvno: 3, etype: 23 },
    ],
  });
});

test('Keytab.find() says that the version is missing, and what there is', () => {
  assert.deepEqual(new Keytab([key(2, 17), key(3, 18)]).find(ask(3)), {
    kind: 'no-kvno',
    present: [
      { ...service, kvno: 2, etype: 17 },
      { ...service, kvno: 3, etype: 18 },
    ],
  });
});

test('Keytab.find() gives no key of an encryption type that is not spoken here, but reports the entry', () => {
  const keytab = new Keytab([key(2, 16, new Uint8Array(24))]);
  assert.deepEqual(keytab.find(ask(2, 16)), { kind: 'no-etype', present: [{ ...service, kvno: 2, etype: 16 }] });
});

test('Keytab refuses a key whose length does not fit its encryption type', () => {
  assert.throws(() => new Keytab([key(2, 18, secret)]), RangeError);
});

test('parseKeytab() gives a Keytab of all entries of the file', () => {
  const entries = [key(1, 17), key(2, 18), key(2, 4711, secret)];
  assert.deepEqual(parseKeytab(encodeKeytab(entries)).entries, [ask(1), ask(2, 18), ask(2, 4711)]);
});

test('A Keytab that is printed or serialised does not show its keys', () => {
  const keytab = new Keytab([key(2, 17, secret)]);
  keytab.find(ask(2));
  const shown = inspect(keytab, { showHidden: true, depth: 9 }) + JSON.stringify(keytab);
  assert.match(shown, /HTTP\/app\.corp\.example/);
  assert.doesNotMatch(shown, /<|Uint8Array|Map|5e,? ?c7|94,199/i);
});
