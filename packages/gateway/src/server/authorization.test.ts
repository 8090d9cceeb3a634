import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../core/identity.ts';
import { compilePolicy } from '../policy/compile.ts';
import type { Rule } from '../policy/rule.ts';
import { anonymous, type SignInFacts, type Subject, subjectOf } from '../policy/subject.ts';
import { type Answer, answerMembership, answerRequest, answerRequestOf } from './authorization.ts';

const now = 1_789_000_000_000;
const here = { now, address: '10.0.0.1' };
const roles = { analyst: { groups: ['risk'], modules: ['Reports'] }, admin: { groups: ['it'], modules: ['*'] } };
const person = (groups: readonly string[], facts: SignInFacts = {}, particulars: Partial<Identity> = {}): Subject =>
  subjectOf(
    {
      subject: 'directory:CORP\\bob',
      account: 'CORP\\bob',
      upn: undefined,
      name: undefined,
      email: undefined,
      sids: ['S-1-5-21-1-2-3-512'],
      groups,
      method: 'directory',
      authenticatedAt: now,
      expiresAt: now + 1,
      ...particulars,
    },
    roles,
    facts,
  );
const said = (answer: Answer): string => (answer.allow ? 'yes' : answer.reason);

test('answerMembership() knows groups by name in any case and by SID, one of several and all of them', () => {
  const bob = person(['Risk', 'staff']);
  const ask = (all: boolean, ...groups: string[]) => said(answerMembership({ kind: 'groups', groups, all }, bob, here));
  assert.equal(ask(false, 'RISK'), 'yes');
  assert.equal(ask(false, 's-1-5-21-1-2-3-512'), 'yes');
  assert.equal(ask(false, 'it', 'staff'), 'yes');
  assert.equal(ask(false, 'it', 'hr'), 'not-allowed');
  assert.equal(ask(true, 'risk', 'staff'), 'yes');
  assert.equal(ask(true, 'risk', 'it'), 'not-allowed');
  assert.equal(ask(false), 'not-allowed');
});

test('answerMembership() knows roles and modules, * among them', () => {
  const of = (groups: readonly string[], module: string) =>
    said(answerMembership({ kind: 'module', module }, person(groups), here));
  assert.deepEqual([of(['risk'], 'Reports'), of(['risk'], 'PnL'), of(['it'], 'PnL')], ['yes', 'not-allowed', 'yes']);
  const role = (name: string) => said(answerMembership({ kind: 'role', role: name }, person(['risk']), here));
  assert.deepEqual([role('analyst'), role('admin'), role('toString')], ['yes', 'not-allowed', 'not-allowed']);
});

test('answerMembership() tells "no" from "not as far as is known"', () => {
  const unsure = person(['risk'], { groupsKnown: false });
  const ask = (group: string) => said(answerMembership({ kind: 'groups', groups: [group], all: false }, unsure, here));
  assert.deepEqual([ask('risk'), ask('it')], ['yes', 'groups-unknown']);
});

test('answerMembership() says yes to nobody', () => {
  assert.notEqual(said(answerMembership({ kind: 'module', module: 'Reports' }, anonymous, here)), 'yes');
});

const own = (rule: Rule, subject: Subject) =>
  said(answerRequest(compilePolicy([rule]), subject, { method: 'GET', path: '/x' }, here));
const fresh = { provenAt: now };

for (const [what, rule, subject, answer] of [
  ['a public rule', { path: '/**', public: true }, anonymous, 'yes'],
  ['nobody', { path: '/**', signed_in: true }, anonymous, 'not-signed-in'],
  ['another group', { path: '/**', groups: ['it'] }, person(['risk']), 'not-allowed'],
  ['groups that are not known', { path: '/**', groups: ['it'] }, person([], { groupsKnown: false }), 'groups-unknown'],
  ['an old sign-in', { path: '/**', max_age: 1_000 }, person([], {}, { provenAt: now - 1_001 }), 'sign-in-too-old'],
  ['a fresh sign-in', { path: '/**', max_age: 1_000 }, person([], {}, fresh), 'yes'],
  ['another network', { path: '/**', networks: ['192.168.0.0/16'] }, person([]), 'not-allowed'],
  ['no rule', { path: '/y', signed_in: true }, person([]), 'not-allowed'],
] as const)
  test(`answerRequest() speaks of ${what} coarsely`, () => assert.equal(own(rule, subject), answer));

const of = (terms: Omit<Rule, 'path'>, address?: string, groups: readonly string[] = ['risk']): string =>
  said(
    answerRequestOf(
      compilePolicy([{ path: '/**', ...terms }]),
      person(groups),
      { method: 'GET', path: '/x', address },
      now,
    ),
  );
const inside = ['10.0.0.0/8'];

for (const [what, found, answer] of [
  ['a group', of({ groups: ['risk'] }), 'yes'],
  ['another group', of({ groups: ['it'] }), 'not-allowed'],
  ['a network, from nowhere', of({ networks: inside }), 'depends-on-request'],
  ['a network, from inside', of({ networks: inside }, '10.1.1.1'), 'yes'],
  ['a network, from outside', of({ networks: inside }, '192.0.2.1'), 'not-allowed'],
  ['no network, from nowhere', of({ signed_in: true, not: { networks: inside } }), 'depends-on-request'],
  ['no network, from outside', of({ signed_in: true, not: { networks: inside } }, '192.0.2.1'), 'yes'],
  ['a way to sign in', of({ signed_in_by: ['negotiate'] }), 'depends-on-request'],
  ['another way to sign in', of({ signed_in: true, not: { signed_in_by: ['negotiate'] } }), 'depends-on-request'],
  ['the age of the sign-in', of({ max_age: 1_000 }), 'sign-in-too-old'],
  ['an old sign-in', of({ signed_in: true, not: { max_age: 1_000 } }), 'depends-on-request'],
  ['not deep within', of({ any_of: [{ all_of: [{ not: { networks: inside } }] }] }), 'depends-on-request'],
  ['not of not', of({ signed_in: true, not: { not: { networks: inside } } }), 'not-allowed'],
  ['either from inside or a group', of({ any_of: [{ networks: inside }, { groups: ['risk'] }] }), 'yes'],
  ['either from inside or another group', of({ any_of: [{ networks: inside }, { groups: ['it'] }] }), 'not-allowed'],
  ['a session', of({ credentials: ['session'] }), 'yes'],
  ['a key', of({ credentials: ['api_key'] }), 'not-allowed'],
] as const)
  test(`answerRequestOf() answers about ${what} with ${answer}`, () => assert.equal(found, answer));

test('answerRequestOf() minds the rule that must allow as well', () => {
  const policy = compilePolicy([
    { path: '/admin', not: { signed_in_by: ['negotiate'] }, signed_in: true },
    { path: '/**', signed_in: true },
  ]);
  const ask = (path: string) =>
    said(answerRequestOf(policy, person([]), { method: 'GET', path, address: undefined }, now));
  assert.deepEqual([ask('/x'), ask('/admin'), ask('/Admin/')], ['yes', 'depends-on-request', 'depends-on-request']);
});
