import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimOf, groupsOf, isAllowed, personOf } from './claims.ts';
import type { ClaimNames } from './options.ts';
import type { Claims } from './token.ts';

const names: ClaimNames = {
  user: undefined,
  subject: 'sub',
  name: 'name',
  email: 'email',
  upn: 'upn',
  groups: 'groups',
  roles: 'roles',
};
const issuer = 'https://login.example';
const account = (claims: Claims, user?: readonly string[]): string => {
  const person = personOf({ sub: 's', ...claims }, issuer, { ...names, user }, false);
  return person.kind === 'ok' ? person.account : person.reason;
};

test('personOf() takes preferred_username, then the address, then the subject for the account', () => {
  assert.equal(account({ preferred_username: 'alice', email: 'a@x' }), 'alice');
  assert.equal(account({ email: 'a@x', email_verified: true }), 'a@x');
  assert.equal(account({}), 's');
});

for (const verified of [undefined, false, 'true', 1])
  test(`personOf() does not take an address that nobody has verified for the account: ${String(verified)}`, () => {
    const claims = { email: 'boss@corp.example', email_verified: verified };
    assert.equal(account(claims), 's');
    assert.equal(account(claims, ['email']), 'boss@corp.example');
  });

for (const value of ['key:nightly', 'KEY:nightly', '\u212aey:nightly'])
  test(`personOf() lets no claim look like the account of an API key: ${value}`, () => {
    assert.equal(account({ preferred_username: value }), 'account-malformed');
    assert.equal(account({ x: value }, ['x']), 'account-malformed');
    assert.equal(account({ x: value.slice(4) }, ['key:{x}']), 'account-malformed');
  });

const found = (claims: Claims, lookUp: boolean, more: Partial<ClaimNames> = {}) => {
  const person = personOf({ sub: 's', ...claims }, issuer, { ...names, ...more }, lookUp);
  assert.equal(person.kind, 'ok');
  return person;
};

test('personOf() gives only an address that the provider has verified to a look-up, or one of a claim that was named', () => {
  const boss = { email: 'boss@corp.example', mail: 'boss@corp.example' };
  const emailOf = (claims: Claims, more?: Partial<ClaimNames>): unknown =>
    found({ ...boss, ...claims }, true, more).email;
  assert.equal(emailOf({}), undefined);
  assert.equal(emailOf({ email_verified: 'true' }), undefined);
  assert.equal(emailOf({ email_verified: true }), 'boss@corp.example');
  assert.equal(emailOf({}, { email: 'mail' }), 'boss@corp.example');
});

test('personOf() shows an address where nobody is looked up by it, unless the provider says that it is not verified', () => {
  const email = 'boss@corp.example';
  assert.equal(found({ email }, false).email, email);
  assert.equal(found({ email, email_verified: false }, false).email, undefined);
});

test('personOf() takes an account for a UPN only when the administrator has named its claim', () => {
  const claims = { preferred_username: 'boss@corp.example' };
  assert.equal(found(claims, true).upn, undefined);
  assert.equal(found(claims, true, { user: ['preferred_username'] }).upn, 'boss@corp.example');
  assert.equal(found({ ...claims, upn: 'alice@corp.example' }, true).upn, 'alice@corp.example');
});

test('personOf() lets nobody choose an account that looks like one of the domain', () => {
  assert.equal(account({ preferred_username: 'CORP\\alice' }), 'account-malformed');
  assert.equal(account({ winaccount: 'CORP\\alice' }, ['winaccount']), 'CORP\\alice');
});

test('personOf() fills in a template', () => {
  assert.equal(account({ sam: 'alice' }, ['CORP\\{sam}']), 'CORP\\alice');
  assert.equal(account({ sam: 'alice', netbios: 'CORP' }, ['{netbios}\\{sam}']), 'CORP\\alice');
});

test('personOf() takes the next one when a template cannot be filled in', () => {
  assert.equal(account({ upn: 'a@x' }, ['CORP\\{sam}', 'upn']), 'a@x');
});

test('personOf() lets no claim bring a domain of its own into a template', () => {
  assert.equal(account({ sam: 'EVIL\\admin' }, ['CORP\\{sam}']), 'account-missing');
  assert.equal(account({ sam: 'admin@evil' }, ['CORP\\{sam}']), 'account-missing');
});

for (const value of ['', ' ', 'a\nb', 'a\u0000b', 'x'.repeat(257), 7, null, ['alice'], { a: 1 }]) {
  test(`personOf() does not take ${JSON.stringify(value).slice(0, 20)} for an account`, () => {
    assert.equal(account({ user: value }, ['user']), 'account-missing');
  });
}

test('personOf() makes the subject of the issuer and the claim for it', () => {
  const person = personOf({ sub: 's', oid: 'o' }, issuer, { ...names, subject: 'oid' }, false);
  assert.equal(person.kind === 'ok' && person.subject, 'https://login.example|o');
});

test('claimOf() takes a name with dots as a whole before it takes it for a way into objects', () => {
  const claims = { 'a.b': 1, a: { b: 2, c: { d: 3 } } };
  assert.deepEqual([claimOf(claims, 'a.b'), claimOf(claims, 'a.c.d'), claimOf(claims, 'a.x.d')], [1, 3, undefined]);
});

test('claimOf() finds nothing that the provider has not said', () => {
  assert.deepEqual(
    [claimOf({}, 'constructor'), claimOf({ a: {} }, 'a.toString'), claimOf({}, '__proto__')],
    [undefined, undefined, undefined],
  );
});

const groups = (claims: Claims): unknown => {
  const found = groupsOf(claims, { claims: names, groupNames: { 'aaaa-1': 'traders' } });
  return found.kind === 'ok' ? found.groups : found.kind === 'refused' ? found.reason : found.kind;
};

test('groupsOf() names groups by the table, keeps other ids, and tells roles apart', () => {
  assert.deepEqual(groups({ groups: ['AAAA-1', 'bbbb-2'], roles: ['traders'] }), ['traders', 'bbbb-2', 'role:traders']);
});

for (const group of ['role:Admin', 'ROLE:admin'])
  test(`groupsOf() lets no group pass for an app role: ${group}`, () => {
    assert.deepEqual(groups({ groups: [group], roles: ['User'] }), [`group:${group}`, 'role:User']);
  });

test('groupsOf() takes one text for a list of one, and an absent claim for no group', () => {
  assert.deepEqual([groups({ groups: 'ops' }), groups({}), groups({ groups: null })], [['ops'], [], []]);
});

for (const value of [7, { a: 1 }, ['ok', 7], [''], ['a\nb'], Array.from({ length: 5_001 }, (_, i) => `g${i}`)]) {
  test(`groupsOf() refuses ${JSON.stringify(value).slice(0, 20)}, which must not pass for "no groups"`, () => {
    assert.equal(groups({ groups: value }), 'groups-malformed');
  });
}

test('groupsOf() sees that there are more groups than fit into a token', () => {
  assert.equal(groups({ _claim_names: { groups: 'src1' }, _claim_sources: {} }), 'overage');
  assert.equal(groups({ hasgroups: true }), 'overage');
  assert.deepEqual(groups({ _claim_names: { other: 'src1' } }), []);
});

test('isAllowed() lets in members of any group that may, without regard to case, and everybody when none is named', () => {
  assert.deepEqual(
    [isAllowed(['Ops'], ['ops', 'x']), isAllowed(['dev'], ['ops']), isAllowed([], [])],
    [true, false, true],
  );
});
