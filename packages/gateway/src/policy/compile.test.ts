import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePolicy, conditions } from './compile.ts';

const mistakes = [
  ['a rule without a condition', { path: '/x' }, /rule 2 \(path "\/x"\): it has no condition/],
  ['a rule with methods alone', { path: '/x', methods: ['GET'] }, /no condition/],
  ['public beside another condition', { path: '/x', public: true, groups: ['a'] }, /public stands beside/],
  ['a path that no request can have', { path: '/a/../b', signed_in: true }, /target-dot-segment/],
  ['a path without a slash', { path: '**', signed_in: true }, /glob-without-slash/],
] as const;

for (const [what, rule, message] of mistakes) {
  test(`compilePolicy() throws for ${what}`, () => {
    assert.throws(() => compilePolicy([{ path: '/', public: true }, rule]), { name: 'TypeError', message });
  });
}

test('compilePolicy() keeps the order of the rules', () => {
  const policy = compilePolicy([
    { path: '/a', public: true },
    { path: '/b', groups: ['x'], module: 'y' },
  ]);
  assert.deepEqual(
    policy.rules.map((rule) => rule.checks.map((check) => check.kind)),
    [['public'], ['groups', 'module']],
  );
});

test('conditions has each kind once', () => {
  assert.equal(new Set(conditions.map((condition) => condition.kind)).size, conditions.length);
});
