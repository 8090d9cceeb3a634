import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compilePolicy } from '../../policy/compile.ts';
import { decide } from '../../policy/decide.ts';
import { anonymous } from '../../policy/subject.ts';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';
import { pathText } from '../problem.ts';
import type { App } from '../schema.ts';
import type { CheckContext } from './check.ts';
import { checkRulesAreReachable, checkUnauthorizedPage } from './rules.ts';

type Rule = App['rules'][number];

const text = `
sign_in: [{ password: { users: users.yaml } }]
apps: [{ name: desk, host: desk, upstream: http://127.0.0.1:3000, rules: [{ path: /**, signed_in: true }] }]
`;
const base = checkConfig(text, 'f', openFiles('.'), { env: {}, now: 0, withFiles: false });
assert.equal(base.kind, 'ok');
const { config } = base;
const desk = config.apps[0] ?? assert.fail();

/** What two checks say about an app like the one above. */
function problemsOf(changes: Partial<App>): readonly string[] {
  const problems: string[] = [];
  const context: CheckContext = {
    config: { ...config, apps: [{ ...desk, ...changes }] },
    files: undefined,
    now: 0,
    inline: new Set(),
    report: ({ path, message }) => problems.push(`${pathText(path)}: ${message}`),
    reportElsewhere: () => assert.fail(),
  };
  checkRulesAreReachable(context);
  checkUnauthorizedPage(context);
  return problems;
}

const anybody = { signed_in: true } as const;
const covered: readonly (readonly [first: Rule, second: Rule, covers: boolean])[] = [
  [{ path: '/**' }, { path: '/admin/**' }, true],
  [{ path: '/**' }, { path: '/**', methods: ['POST'] }, true],
  [{ path: '/**', methods: ['POST', 'PUT'] }, { path: '/admin/**', methods: ['PUT'] }, true],
  [{ path: '/risk/**' }, { path: '/risk' }, true],
  [{ path: '/risk/**' }, { path: '/risk/*/x' }, true],
  [{ path: '/a' }, { path: '/a' }, true],
  [{ path: '/**', methods: ['GET'] }, { path: '/admin/**' }, false],
  [{ path: '/risk/**' }, { path: '/riskier' }, false],
  [{ path: '/risk/**' }, { path: '/**' }, false],
  [{ path: '/a/*/**' }, { path: '/a/b' }, false],
  [{ path: '/a' }, { path: '/a/' }, false],
];

for (const [first, second, covers] of covered)
  test(`checkRulesAreReachable() takes ${JSON.stringify(second)} after ${JSON.stringify(first)} for ${covers ? 'unreachable' : 'reachable'}`, () => {
    const problems = problemsOf({
      rules: [
        { ...first, ...anybody },
        { ...second, ...anybody },
      ],
    });
    assert.equal(
      problems.some((problem) => problem.startsWith('apps[0].rules[1]: this rule can never match')),
      covers,
    );
  });

test('checkRulesAreReachable() never calls a rule unreachable that decides a request', () => {
  const segment = fc.constantFrom('a', 'b', '*', '**', 'a*');
  const glob = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 4 })
    .map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(glob, glob, path, (first, second, request) => {
      const rules = [
        { path: first, public: true as const },
        { path: second, public: true as const },
      ];
      const decision = decide(compilePolicy(rules), anonymous, 'GET', request, { now: 0, address: '127.0.0.1' });
      const reported = problemsOf({ rules }).some((problem) => problem.startsWith('apps[0].rules[1]'));
      assert.ok(!(reported && decision.rule === 1));
    }),
    { numRuns: 2_000 },
  );
});

test('checkRulesAreReachable() finds a rule outside of the paths that the app has', () => {
  const problems = (path: string) => problemsOf({ path: '/desk', rules: [{ path, ...anybody }] }).length;
  for (const path of ['/desk', '/desk/**', '/desk/x', '/**', '/*/x', '/d*/**']) assert.equal(problems(path), 0, path);
  for (const path of ['/', '/des', '/desktop/**', '/x/**']) assert.equal(problems(path), 1, path);
});

const pages: readonly (readonly [what: string, rules: readonly Rule[], loops: boolean])[] = [
  ['a rule for everybody', [{ path: '/sorry', public: true }], false],
  ['a rule for those who are signed in', [{ path: '/sorry', signed_in: true }], false],
  ['a rule for a group', [{ path: '/**', groups: ['x'] }], true],
  [
    'a rule for a group, with a better one too late',
    [
      { path: '/s*', groups: ['x'] },
      { path: '/sorry', signed_in: true },
    ],
    true,
  ],
  ['a rule for another method', [{ path: '/sorry', methods: ['POST'], signed_in: true }], true],
  ['no rule', [{ path: '/other', signed_in: true }], true],
];

for (const [what, rules, loops] of pages)
  test(`checkUnauthorizedPage() ${loops ? 'warns of a loop' : 'is content'} with ${what}`, () => {
    const problems = problemsOf({ unauthorized: '/sorry', rules });
    assert.equal(
      problems.some((problem) => problem.startsWith('apps[0].unauthorized')),
      loops,
    );
  });
