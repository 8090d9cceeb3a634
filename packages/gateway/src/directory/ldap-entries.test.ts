import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sidToBytes } from '@cardea/kerberos';
import { accountStateOf, batches, isSid, readGroups, readPerson, sidFilter, sidsOf, textOf } from './ldap-entries.ts';

const sid = 'S-1-5-21-1004336348-1177238915-682003330-1104';
const bytes = Buffer.from(sidToBytes(sid));

test('sidFilter() asks for one SID by its bytes', () => {
  const hex = [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
  assert.equal(sidFilter([sid]).toString(), `(objectSid=${hex})`);
});

test('sidFilter() asks for several SIDs as alternatives', () => {
  assert.match(
    sidFilter([sid, 'S-1-1-0']).toString(),
    /^\(\|\(objectSid=(\\[0-9a-f]{2}){28}\)\(objectSid=(\\[0-9a-f]{2}){12}\)\)$/,
  );
});

test('sidFilter() cannot be talked into another filter', () => {
  assert.throws(() => sidFilter(['*)(objectClass=*']), /Cannot read SID/);
});

test('isSid() tells SIDs from other texts', () => {
  assert.deepEqual([sid, 'S-1-1-0', '', 'S-1-5', 'alice', `${sid} `, '*'].map(isSid), [
    true,
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

test('batches() makes pieces of the size and one of the rest', () => {
  assert.deepEqual(batches([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
  assert.deepEqual(batches([], 2), []);
});

test('readGroups() takes names by SID and leaves out entries that lack either', () => {
  const entries = [
    { dn: 'CN=team-ai', objectSid: bytes, sAMAccountName: 'team-ai' },
    { dn: 'CN=S-1-5-11', objectSid: Buffer.from(sidToBytes('S-1-5-11')), sAMAccountName: [] },
    { dn: 'CN=x', objectSid: [], sAMAccountName: 'x' },
  ];
  assert.deepEqual([...readGroups(entries)], [[sid, 'team-ai']]);
});

test('readPerson() gives what the first entry has', () => {
  const entry = { dn: 'CN=Jürgen', displayName: 'Jürgen Müller', mail: [], userPrincipalName: 'jürgen@corp.example' };
  assert.deepEqual(readPerson([entry]), { name: 'Jürgen Müller', email: undefined, upn: 'jürgen@corp.example' });
  assert.equal(readPerson([]), undefined);
});

test('textOf() takes the first of several values, and none for an empty one', () => {
  assert.equal(textOf({ dn: '', mail: ['a@x', 'b@x'] }, 'mail'), 'a@x');
  assert.equal(textOf({ dn: '', mail: Buffer.from('a@x') }, 'mail'), 'a@x');
  assert.equal(textOf({ dn: '', mail: '' }, 'mail'), undefined);
});

const now = Date.UTC(2026, 10, 22);
const filetime = (ms: number): string => String((BigInt(ms) + 11_644_473_600_000n) * 10_000n);

for (const [state, attributes] of [
  ['active', { userAccountControl: '512' }],
  ['active', { userAccountControl: '66048', accountExpires: '0' }],
  ['active', { userAccountControl: '512', accountExpires: '9223372036854775807' }],
  ['active', { userAccountControl: '512', accountExpires: filetime(now + 1) }],
  ['expired', { userAccountControl: '512', accountExpires: filetime(now) }],
  ['expired', { userAccountControl: '512', accountExpires: '1' }],
  ['disabled', { userAccountControl: '514' }],
  ['disabled', { userAccountControl: '514', accountExpires: '1', 'msDS-User-Account-Control-Computed': '16' }],
  ['expired', { userAccountControl: '512', accountExpires: '1', 'msDS-User-Account-Control-Computed': '16' }],
  ['locked', { userAccountControl: '512', 'msDS-User-Account-Control-Computed': '16' }],
  ['active', { userAccountControl: '512', 'msDS-User-Account-Control-Computed': '8388608' }],
  ['unknown', {}],
  ['unknown', { userAccountControl: [] }],
  ['unknown', { userAccountControl: 'x' }],
  ['unknown', { userAccountControl: '512', accountExpires: 'never' }],
] as const) {
  test(`accountStateOf() takes an account with ${JSON.stringify(attributes)} for ${state}`, () => {
    const entry = { dn: '', ...attributes, userAccountControl: [attributes.userAccountControl ?? []].flat() };
    assert.equal(accountStateOf(entry, now), state);
  });
}

test('sidsOf() reads one SID, several, and none', () => {
  assert.deepEqual(sidsOf({ dn: '', tokenGroups: bytes }, 'tokenGroups'), [sid]);
  assert.deepEqual(sidsOf({ dn: '', tokenGroups: [bytes, bytes] }, 'tokenGroups'), [sid, sid]);
  assert.deepEqual(sidsOf({ dn: '', tokenGroups: [] }, 'tokenGroups'), []);
  assert.deepEqual(sidsOf({ dn: '' }, 'tokenGroups'), []);
});
