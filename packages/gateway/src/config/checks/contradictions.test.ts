import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Identity } from '../../core/identity.ts';
import { compilePolicy } from '../../policy/compile.ts';
import { decide } from '../../policy/decide.ts';
import { subjectOf } from '../../policy/subject.ts';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';
import { pathText } from '../problem.ts';
import type { App } from '../schema.ts';
import type { CheckContext } from './check.ts';
import { checkContradictions, checkMaxAge, checkSignedInBy } from './contradictions.ts';

type Terms = Omit<App['rules'][number], 'path'>;

const text = `
sign_in: [{ password: { users: users.yaml } }, { negotiate: { keytab: k } }]
apps: [{ name: desk, host: desk, upstream: http://127.0.0.1:3000, rules: [{ path: /**, signed_in: true }] }]
`;
const base = checkConfig(text, 'f', openFiles('.'), { env: {}, now: 0, withFiles: false });
assert.equal(base.kind, 'ok');
const { config } = base;
const desk = config.apps[0] ?? assert.fail();

function problemsOf(terms: Terms, signIn?: readonly string[]): readonly string[] {
  const problems: string[] = [];
  const context: CheckContext = {
    config: { ...config, apps: [{ ...desk, sign_in: signIn, rules: [{ path: '/**', ...terms }] }] },
    files: undefined,
    now: 0,
    inline: new Set(),
    report: ({ path }) => problems.push(pathText(path)),
    reportElsewhere: () => assert.fail(),
  };
  checkContradictions(context);
  checkSignedInBy(context);
  return problems;
}

const contradictory: readonly Terms[] = [
  { not: { signed_in: true } },
  { groups: ['a'], not: { groups: ['b', 'a'] } },
  { groups: ['a'], module: 'M', not: { module: 'M' } },
  { max_age: 60_000, not: { max_age: 60_000 } },
  { credentials: ['session', 'approval'], not: { credentials: ['approval'] } },
];
for (const terms of contradictory)
  test(`checkContradictions() finds that nobody can pass ${JSON.stringify(terms)}`, () => {
    assert.deepEqual(problemsOf(terms), ['apps[0].rules[0].not']);
  });

const possible: readonly Terms[] = [
  { groups: ['a'], not: { groups: ['b'] } },
  { groups: ['a', 'b'], not: { groups: ['b'] } },
  { groups: ['a'], not: { groups: ['a'], module: 'M' } },
  { max_age: 60_000, not: { max_age: 59_999 } },
  { credentials: ['session'], not: { credentials: ['session', 'approval'] } },
  { groups: ['a'], not: { any_of: [{ groups: ['b'] }] } },
];
for (const terms of possible)
  test(`checkContradictions() lets ${JSON.stringify(terms)} be`, () => assert.deepEqual(problemsOf(terms), []));

test('checkContradictions() never reports a rule that lets somebody in', () => {
  const names = fc.uniqueArray(fc.constantFrom('a' as const, 'b' as const, 'c' as const), { minLength: 1 });
  const terms = fc.record(
    { groups: names, roles: names, max_age: fc.integer({ min: 1, max: 3 }), credentials: names },
    { requiredKeys: [] },
  );
  const kinds = { a: 'session', b: 'approval', c: 'api_key' } as const;
  type Part = { groups?: string[]; roles?: string[]; max_age?: number; credentials?: ('a' | 'b' | 'c')[] };
  const named = ({ credentials, ...part }: Part): Terms => ({
    signed_in: true,
    ...part,
    ...(credentials && { credentials: credentials.map((one) => kinds[one]) }),
  });
  let reported = 0;
  fc.assert(
    fc.property(terms, terms, names, names, fc.nat({ max: 4 }), names, (outer, inner, groups, roles, age, shown) => {
      const rule = { ...named(outer), not: named(inner) };
      if (problemsOf(rule).length === 0) return;
      reported++;
      const person: Identity = {
        subject: 'x',
        account: 'x',
        upn: undefined,
        name: undefined,
        email: undefined,
        sids: [],
        groups: [...groups, ...roles.map((role) => `role-${role}`)],
        method: 'password',
        authenticatedAt: 0,
        expiresAt: 10,
      };
      const table = Object.fromEntries(['a', 'b', 'c'].map((r) => [r, { groups: [`role-${r}`], modules: [] }]));
      const subject = subjectOf(person, table, { credentials: new Set(shown.map((one) => kinds[one])) });
      const here = { now: age, address: '127.0.0.1' };
      assert.equal(decide(compilePolicy([{ path: '/**', ...rule }]), subject, 'GET', '/', here).allow, false);
    }),
    { numRuns: 2_000 },
  );
  assert.ok(reported > 50);
});

for (const [names, signIn, found] of [
  [['password', 'negotiate'], undefined, []],
  [['kerberos'], undefined, ['apps[0].rules[0].signed_in_by[0]']],
  [['password', 'negotiate'], ['password'], ['apps[0].rules[0].signed_in_by[1]']],
] as const)
  test(`checkSignedInBy() finds ${found.length} unknown of ${names.join(', ')} in an app with ${signIn?.join(', ') ?? 'all methods'}`, () => {
    assert.deepEqual(problemsOf({ signed_in_by: names }, signIn), found);
  });

test('checkSignedInBy() looks into nested conditions', () => {
  assert.deepEqual(problemsOf({ any_of: [{ signed_in: true }, { not: { signed_in_by: ['x'] } }] }), [
    'apps[0].rules[0].any_of[1].not.signed_in_by[0]',
  ]);
});

/** What is found about the age of the sign-in, in an app with these entries. */
function ages(terms: Terms, ...entries: readonly object[]): readonly string[] {
  const problems: string[] = [];
  checkMaxAge({
    config: {
      ...config,
      sign_in: entries,
      apps: [{ ...desk, rules: [{ path: '/**', ...terms }] }],
    },
    files: undefined,
    now: 0,
    inline: new Set(),
    report: ({ severity, path }) => problems.push(`${severity} ${pathText(path)}`),
    reportElsewhere: () => assert.fail(),
  });
  return problems;
}

const header = { trusted_header: { id: 'iis' } };
const ageCases: readonly (readonly [terms: Terms, entries: readonly object[], found: readonly string[]])[] = [
  [{ max_age: 60_000 }, [header, { api_key: {} }], ['warning apps[0].rules[0].max_age']],
  [{ max_age: 60_000 }, [header, { password: {} }], []],
  [{ max_age: 60_000, signed_in_by: ['iis'] }, [header, { password: {} }], ['warning apps[0].rules[0].max_age']],
  [{ max_age: 60_000, signed_in_by: ['iis', 'password'] }, [header, { password: {} }], []],
  [{ all_of: [{ max_age: 60_000 }] }, [{ api_key: {} }], ['warning apps[0].rules[0].all_of[0].max_age']],
  [{ not: { max_age: 60_000 } }, [{ api_key: {} }], []],
  [{ groups: ['a'] }, [{ api_key: {} }], []],
  [{ max_age: 60_000 }, [], []],
];
for (const [terms, entries, found] of ageCases)
  test(`checkMaxAge() looks whether ${JSON.stringify(terms)} can be met by way of ${JSON.stringify(entries)}`, () => {
    assert.deepEqual(ages(terms, ...entries), found);
  });
