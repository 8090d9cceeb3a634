import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Identity } from '../src/core/identity.ts';
import { compilePolicy } from '../src/policy/compile.ts';
import type { Circumstances } from '../src/policy/condition.ts';
import { decide } from '../src/policy/decide.ts';
import { explain } from '../src/policy/explain.ts';
import type { Rule, Terms } from '../src/policy/rule.ts';
import { anonymous, type Subject, subjectOf } from '../src/policy/subject.ts';

const roles = { r: { groups: ['a'], modules: ['M'] }, s: { groups: ['b'], modules: ['*'] } };
const monday = Date.UTC(2026, 10, 23, 12);

/** Random cases by one small generator: fast-check's own take too long for a hundred thousand of them. */
class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  below(n: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * n);
  }
  one<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }
  some<T>(list: readonly T[]): T[] {
    return list.filter(() => this.below(2) === 0);
  }
}

const groups = ['a', 'b', 'S-1-5-21-1-2-3-512'] as const;
const ways = ['negotiate', 'oidc', 'entra'] as const;

function someTerms(dice: Dice, depth: number): Terms {
  const makers: (() => Terms)[] = [
    () => ({ signed_in: true }),
    () => ({ max_age: 60_000 * (1 + dice.below(3)) }),
    () => ({ networks: [dice.one(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32'])] }),
    () => ({ between: [dice.one(['mon 12:00-13:00 UTC', 'tue 00:00-24:00 UTC'])] }),
    () => ({ signed_in_by: dice.some(ways) }),
    () => ({ groups: dice.some(groups) }),
    () => ({ roles: dice.some(['r', 's']) }),
    () => ({ module: dice.one(['M', 'N']) }),
    () => ({ credentials: dice.some(['session', 'approval']) }),
  ];
  if (depth > 0)
    makers.push(
      () => ({ not: someTerms(dice, depth - 1) }),
      () => ({ all_of: [someTerms(dice, depth - 1), someTerms(dice, depth - 1)] }),
      () => ({ any_of: [someTerms(dice, depth - 1), someTerms(dice, depth - 1)] }),
    );
  const make = (): Terms => makers[dice.below(makers.length)]?.() ?? {};
  return dice.below(3) === 0 ? { ...make(), ...make() } : make();
}

const pieces = ['/a', '/A', '/b', '/a;x', '/b.', '/', '/%61'] as const;
const globs = ['/**', '/*', '/a', '/a/**', '/A/**', '/b/*', '/a/b', '/**/b'] as const;

function someRule(dice: Dice): Rule {
  const path = dice.one(globs);
  const methods = dice.below(3) === 0 ? { methods: [dice.one(['GET', 'POST'])] } : {};
  if (dice.below(8) === 0)
    return { path, ...methods, public: true, ...(dice.below(2) === 0 ? { networks: ['10.0.0.0/8'] } : {}) };
  return { path, ...methods, ...someTerms(dice, 3) };
}

const identity = (dice: Dice): Identity => ({
  subject: 'x',
  account: 'x',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: dice.some([groups[2]]),
  groups: dice.some(['A', 'b', 'c']),
  method: dice.one(ways),
  authenticatedAt: monday,
  provenAt: monday - 30_000 * dice.below(8),
  expiresAt: monday + 1,
});

const somebody = (dice: Dice): Subject =>
  dice.below(6) === 0
    ? anonymous
    : subjectOf(identity(dice), roles, {
        credentials: new Set(dice.some(['session', 'approval'])),
        provider: dice.one([undefined, 'entra']),
        groupsKnown: dice.below(4) > 0,
      });

interface Case {
  readonly rules: readonly Rule[];
  readonly subject: Subject;
  readonly method: string;
  readonly path: string;
  readonly circumstances: Circumstances;
}

const aCase = (dice: Dice, rules: readonly Rule[]): Case => ({
  rules,
  subject: somebody(dice),
  method: dice.one(['GET', 'HEAD', 'POST']),
  path: Array.from({ length: 1 + dice.below(3) }, () => dice.one(pieces))
    .join('')
    .replace(/\/{2,}/g, '/'),
  circumstances: { now: monday + 3_600_000 * dice.below(26), address: dice.one(['10.1.2.3', '192.0.2.1', '::1', 'x']) },
});

test('explain() and decide() agree on 100,000 cases, of which there are all kinds', () => {
  const dice = new Dice(20261122);
  const seen = new Map<string, number>();
  for (let round = 0; round < 10_000; round++) {
    const rules = Array.from({ length: 1 + dice.below(5) }, () => someRule(dice));
    const policy = compilePolicy(rules);
    for (let i = 0; i < 10; i++) {
      const { subject, method, path, circumstances } = aCase(dice, rules);
      const decision = decide(policy, subject, method, path, circumstances);
      const { decision: explained } = explain(policy, subject, method, path, circumstances);
      if (
        decision.allow !== explained.allow ||
        decision.reason !== explained.reason ||
        decision.rule !== explained.rule
      )
        assert.fail(JSON.stringify({ rules, method, path, decision, explained }));
      seen.set(decision.reason, (seen.get(decision.reason) ?? 0) + 1);
    }
  }
  // Every reason there is comes up, so that none of them agrees for want of trying.
  assert.deepEqual(
    [...seen].filter(([, times]) => times < 20),
    [],
  );
  assert.equal(seen.size, 25);
});

test('decide() lets nobody in who has not signed in, whatever the conditions of a rule that is not public', () => {
  const dice = new Dice(7);
  for (let round = 0; round < 20_000; round++) {
    const policy = compilePolicy([{ path: '/**', ...someTerms(dice, 4) }]);
    const { circumstances } = aCase(dice, []);
    assert.deepEqual(decide(policy, anonymous, 'GET', '/x', circumstances), {
      allow: false,
      reason: 'not-signed-in',
      rule: 0,
    });
  }
});

test('decide() lets in nobody by a group that could not be found out: not knowing never allows what knowing would refuse', () => {
  const dice = new Dice(11);
  let less = 0;
  for (let round = 0; round < 20_000; round++) {
    const policy = compilePolicy([{ path: '/**', ...someTerms(dice, 3) }]);
    const person = identity(dice);
    const facts = { credentials: new Set(['session']), provider: undefined };
    const full = subjectOf(person, roles, facts);
    const partial = subjectOf({ ...person, groups: [], sids: [] }, roles, { ...facts, groupsKnown: false });
    const here = { now: monday, address: '10.1.2.3' };
    const allowed = decide(policy, partial, 'GET', '/x', here).allow;
    assert.ok(!allowed || decide(policy, full, 'GET', '/x', here).allow);
    if (!allowed && decide(policy, full, 'GET', '/x', here).allow) less++;
  }
  assert.ok(less > 100);
});

test('decide() takes not for what it says once somebody has signed in: never both, and one of the two if groups are known', () => {
  fc.assert(
    fc.property(fc.nat(), fc.boolean(), (seed, groupsKnown) => {
      const dice = new Dice(seed);
      const terms = someTerms(dice, 2);
      const subject = subjectOf(identity(dice), roles, { groupsKnown });
      const here = { now: monday, address: '10.1.2.3' };
      const [yes, no] = [terms, { not: terms }].map(
        (rule) => decide(compilePolicy([{ path: '/**', ...rule }]), subject, 'GET', '/x', here).allow,
      );
      assert.ok(!(yes && no));
      if (subject.groupsKnown) assert.ok(yes || no);
    }),
    { numRuns: 3_000 },
  );
});
