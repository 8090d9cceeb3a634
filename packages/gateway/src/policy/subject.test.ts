import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../core/identity.ts';
import { anonymous, groupRef, isMember, modulesOf, rolesOf, subjectOf } from './subject.ts';

const person = (groups: readonly string[], sids: readonly string[] = []): Identity => ({
  subject: 'S-1-5-21-1-2-3-1103',
  account: 'CORP\\alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids,
  groups,
  method: 'test',
  authenticatedAt: 0,
  expiresAt: 1,
});

const roles = {
  trader: { groups: ['Traders'], modules: ['PnL', 'Orders'] },
  risk: { groups: ['risk-team', 'S-1-5-21-1-2-3-1104'], modules: ['Risk', 'PnL'] },
  admin: { groups: ['it-admins'], modules: ['*'] },
  nobody: { groups: [], modules: ['Ghost'] },
};

test('rolesOf() gives the roles of every group, sorted, whatever the case of the names', () => {
  assert.deepEqual(rolesOf(person(['TRADERS', 'Risk-Team', 'other']), roles), ['risk', 'trader']);
});

test('rolesOf() gives a role by SID', () => {
  assert.deepEqual(rolesOf(person([], ['S-1-5-21-1-2-3-1104']), roles), ['risk']);
});

test('rolesOf() gives none to a person without groups, and nobody a role without groups', () => {
  assert.deepEqual(rolesOf(person([]), roles), []);
});

test('rolesOf() does not take a group that is named like a SID for the group of that SID', () => {
  assert.deepEqual(rolesOf(person(['S-1-5-21-1-2-3-1104']), roles), []);
});

test('rolesOf() does not take a SID for the group that is named like it', () => {
  const table = { odd: { groups: ['s-1-5-21'], modules: [] } };
  assert.deepEqual(rolesOf(person([], ['s-1-5-21x', 'x']), table), []);
});

test('isMember() does not take a letter that folds into ASCII for the ASCII letter', () => {
  assert.equal(isMember(subjectOf(person(['ris\u212a-team']), {}), groupRef('risk-team')), false);
  assert.equal(isMember(subjectOf(person(['RIS\u212a-team']), {}), groupRef('ris\u212a-TEAM')), true);
});

test('isMember() folds letters beyond ASCII', () => {
  assert.equal(isMember(subjectOf(person(['GESCHÄFTSLEITUNG']), {}), groupRef('Geschäftsleitung')), true);
});

test('modulesOf() joins the modules of the roles', () => {
  assert.deepEqual(modulesOf(['risk', 'trader'], roles), ['Orders', 'PnL', 'Risk']);
});

test('modulesOf() names every module behind a star', () => {
  assert.deepEqual(modulesOf(['admin'], roles), ['*', 'Ghost', 'Orders', 'PnL', 'Risk']);
});

test('modulesOf() knows no modules of a role that is not in the table', () => {
  assert.deepEqual(modulesOf(['constructor', '__proto__', 'unknown'], roles), []);
});

test('anonymous has neither identity nor anything that could satisfy a condition', () => {
  assert.equal(anonymous.identity, undefined);
  assert.equal(anonymous.groups.size + anonymous.sids.size + anonymous.roles.size + anonymous.modules.size, 0);
});

const tellers = [
  ['a Kerberos ticket with SIDs alone', { method: 'negotiate', sids: ['S-1-5-21-1-2-3-512'] }, true],
  ['a Kerberos ticket without PAC', { method: 'negotiate' }, false],
  ['a header that tells no groups', { method: 'trusted_header' }, false],
  ['a provider that tells groups', { method: 'oidc', groups: ['a'] }, true],
  ['a users file', { method: 'password' }, true],
] as const;

for (const [what, particulars, known] of tellers)
  test(`subjectOf() takes groups for ${known ? 'known' : 'unknown'} after ${what}`, () => {
    const identity = { ...person([]), ...particulars };
    assert.equal(subjectOf(identity, {}).groupsKnown, known);
    assert.equal(subjectOf(identity, {}, { groupsKnown: false }).groupsKnown, false);
  });
