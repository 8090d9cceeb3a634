import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../core/identity.ts';
import { subjectOf } from '../policy/subject.ts';
import { allowsModel, chooseTier, compileTiers, type LimitRules } from './tiers.ts';

const rules: LimitRules = {
  tiers: [
    { name: 'max', groups: ['LLM-Max', 'S-1-5-21-1-2-3-9'], requests_per_minute: 600, concurrent: 20 },
    { name: 'pro', groups: ['llm-pro'], requests_per_minute: 60, tokens_per_day: 1_000 },
    { name: 'default', requests_per_minute: 10, models: ['small'] },
  ],
  groups: [
    { group: 'Desk A', tokens_per_minute: 500 },
    { group: 'desk b', concurrent: 3 },
  ],
  when_redis_is_down: 'refuse',
};
const tiers = compileTiers(rules);

const identity: Identity = {
  subject: 'S-1-5-21-1-2-3-1001',
  account: 'CORP\\alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: [],
  groups: [],
  method: 'password',
  authenticatedAt: 0,
  expiresAt: 1,
};
const person = (groups: readonly string[], sids: readonly string[] = []) => ({
  subject: subjectOf({ ...identity, groups, sids }, {}),
});
const nameOf = (groups: readonly string[], sids: readonly string[] = [], of = tiers): string => {
  const choice = chooseTier(of, person(groups, sids));
  return choice.kind === 'tier' ? choice.tier.name : choice.reason;
};

const cases = [
  ['takes the first tier that one is in, whatever the order of the groups', ['llm-pro', 'llm-max'], [], 'max'],
  ['finds a group by its SID', ['llm-pro'], ['S-1-5-21-1-2-3-9'], 'max'],
  ['does not take a name for a SID', ['s-1-5-21-1-2-3-9'], [], 'default'],
  ['takes the next tier for those in no earlier one', ['LLM-PRO'], [], 'pro'],
  ['takes the tier without groups for everybody else', ['staff'], [], 'default'],
] as const;
for (const [name, groups, sids, tier] of cases)
  test(`chooseTier() ${name}`, () => assert.equal(nameOf(groups, sids), tier));

test('chooseTier() refuses those whom no tier takes', () => {
  const closed = compileTiers({ ...rules, tiers: rules.tiers.slice(0, 2) });
  assert.equal(nameOf(['staff'], [], closed), 'no-tier');
});

test('chooseTier() refuses whoever has not signed in', () => {
  assert.equal(chooseTier(tiers, { subject: subjectOf(undefined, {}) }).kind, 'refused');
});

test('chooseTier() counts one person once, however they have typed their name for Kerberos', () => {
  const keyOf = (subject: string): string | undefined => {
    const choice = chooseTier(tiers, { subject: subjectOf({ ...identity, subject }, {}) });
    return choice.kind === 'tier' ? choice.checks[0]?.key : undefined;
  };
  assert.equal(keyOf('ALICE@CORP.EXAMPLE'), keyOf('alice@CORP.EXAMPLE'));
  assert.equal(keyOf(identity.subject), `person:${identity.subject}`);
});

test('chooseTier() asks for the limits of the person, then for those of all their groups', () => {
  const choice = chooseTier(tiers, person(['llm-pro', 'DESK B', 'desk a']));
  assert.deepEqual(choice.kind === 'tier' && JSON.parse(JSON.stringify(choice.checks)), [
    { key: 'person:S-1-5-21-1-2-3-1001', requestsPerMinute: 60, tokensPerDay: 1_000 },
    { key: 'group:desk a', tokensPerMinute: 500 },
    { key: 'group:desk b', concurrent: 3 },
  ]);
});

test('chooseTier() counts an API key by itself', () => {
  const choice = chooseTier(tiers, { ...person([]), apiKey: 'k1' });
  assert.equal(choice.kind === 'tier' && choice.checks[0]?.key, 'key:k1');
});

const models = [
  [['gpt-4o'], 'gpt-4o', true],
  [['gpt-4o'], 'gpt-4o-mini', false],
  [['gpt-4o*'], 'gpt-4o-mini', true],
  [['gpt-4o*'], 'GPT-4o', false],
  [['*-mini'], 'gpt-4o-mini', true],
  [['*-mini'], 'gpt-4o-mini-2', false],
  [['llama*70b*q4'], 'llama-3-70b-instruct-q4', true],
  [['llama*70b*q4'], 'llama-3-q4', false],
  [['ab*ba'], 'aba', false],
  [['a', 'b'], 'b', true],
  [['*'], '', true],
  [['*'], undefined, false],
  [undefined, undefined, true],
] as const;
for (const [patterns, model, expected] of models)
  test(`allowsModel() says ${expected} to ${model} where ${patterns?.join() ?? 'all'} may be used`, () => {
    const [tier] = compileTiers({ ...rules, tiers: [{ name: 't', models: patterns }] }).tiers;
    assert.ok(tier !== undefined);
    assert.equal(allowsModel(tier, model), expected);
  });
