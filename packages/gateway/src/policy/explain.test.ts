import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePolicy } from './compile.ts';
import { decide } from './decide.ts';
import { explain } from './explain.ts';
import type { Rule, Terms } from './rule.ts';
import { subjectOf } from './subject.ts';

const roles = { r: { groups: ['a'], modules: ['M'] }, s: { groups: ['b'], modules: ['*'] } };
const monday = Date.UTC(2026, 10, 23, 12);

const person = subjectOf(
  {
    subject: 'x',
    account: 'x',
    upn: undefined,
    name: undefined,
    email: undefined,
    groups: ['a'],
    sids: [],
    method: 'negotiate',
    authenticatedAt: monday,
    provenAt: monday - 3_600_000,
    expiresAt: monday + 1,
  },
  roles,
);
const at = { now: monday, address: '192.0.2.1' };
const outcomes = [
  ['excluded', { not: { groups: ['a'] } }],
  ['not-excluded', { not: { groups: ['b'] } }],
  ['in-group', { any_of: [{ networks: ['10.0.0.0/8'] }, { groups: ['a'] }] }],
  ['no-alternative-holds', { any_of: [{ networks: ['10.0.0.0/8'] }, { groups: ['b'] }] }],
  ['outside-network', { any_of: [{ networks: ['10.0.0.0/8'] }, { networks: ['::1'] }] }],
  ['sign-in-too-old', { any_of: [{ networks: ['10.0.0.0/8'] }, { groups: ['a'], max_age: 60_000 }] }],
  ['no-alternative-holds', { any_of: [{ networks: ['10.0.0.0/8'] }, { groups: ['b'], max_age: 60_000 }] }],
  ['not-in-group', { groups: ['b'], max_age: 60_000 }],
  ['sign-in-too-old', { groups: ['a'], max_age: 60_000 }],
  ['not-in-group', { all_of: [{ max_age: 60_000 }, { groups: ['b'] }] }],
  ['in-group', { groups: ['a'], not: { groups: ['b'] }, networks: ['192.0.2.0/24'] }],
] as const satisfies readonly (readonly [string, Terms])[];

for (const [reason, terms] of outcomes)
  test(`decide() says ${reason} to ${JSON.stringify(terms)}`, () => {
    assert.equal(decide(compilePolicy([{ path: '/**', ...terms }]), person, 'GET', '/', at).reason, reason);
  });

test('explain() shows which rule decides, which must allow as well, and what each condition finds', () => {
  const rules: readonly Rule[] = [
    { path: '/admin/**', groups: ['b'] },
    { path: '/x', methods: ['POST'], signed_in: true },
    { path: '/**', any_of: [{ groups: ['b'] }, { not: { module: 'N' } }] },
  ];
  const found = explain(compilePolicy(rules), person, 'GET', '/Admin/', at);
  assert.deepEqual(found.decision, { allow: false, reason: 'not-in-group', rule: 0 });
  assert.deepEqual(
    found.rules.map(({ part, methodFits, pathFits }) => [part, methodFits, pathFits]),
    [
      ['also-asked', true, false],
      ['none', false, false],
      ['decides', true, true],
    ],
  );
  const [any] = found.rules[2]?.conditions ?? [];
  assert.equal(any?.finding.reason, 'not-excluded');
  assert.deepEqual(
    any?.parts.map(([first]) => first?.finding.reason),
    ['not-in-group', 'not-excluded'],
  );
});

test('explain() tells under which two rules servers would find a path with parameters', () => {
  const policy = compilePolicy([
    { path: '/admin/**', groups: ['b'] },
    { path: '/**', signed_in: true },
  ]);
  const { decision, ambiguous } = explain(policy, person, 'GET', '/admin;x', at);
  assert.deepEqual(decision, { allow: false, reason: 'path-ambiguous', rule: undefined });
  assert.deepEqual(ambiguous, { asWritten: 1, without: 0 });
});
