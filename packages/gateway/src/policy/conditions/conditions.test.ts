import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../../core/identity.ts';
import { besidePublic, conditions } from '../compile.ts';
import type { Circumstances, Condition } from '../condition.ts';
import { credentialsCondition } from './credentials.ts';
import { signedInByCondition } from './signed-in-by.ts';
import type { Rule } from '../rule.ts';
import { anonymous, subjectOf } from '../subject.ts';

const alice: Identity = {
  subject: 'S-1-5-21-1-2-3-1103',
  account: 'CORP\\alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: ['S-1-5-21-1-2-3-512'],
  groups: ['risk-team'],
  method: 'test',
  authenticatedAt: Date.UTC(2026, 10, 23, 11, 59),
  provenAt: Date.UTC(2026, 10, 23, 11),
  expiresAt: Date.UTC(2026, 10, 23, 19),
};
const subject = subjectOf(
  alice,
  { risk: { groups: ['risk-team'], modules: ['Risk'] } },
  { credentials: new Set(['session', 'approval']), provider: 'entra' },
);
/** 2026-11-23 is a Monday. */
const here: Circumstances = { now: Date.UTC(2026, 10, 23, 12), address: '10.1.2.3' };

/** A rule that lets alice in and one that does not, for each kind. A new kind gets its line here. */
const examples: Readonly<Record<Condition['kind'], { readonly holds: Partial<Rule>; readonly fails?: Partial<Rule> }>> =
  {
    public: { holds: { public: true } },
    signed_in: { holds: { signed_in: true } },
    max_age: { holds: { max_age: 3_600_000 }, fails: { max_age: 3_599_999 } },
    networks: { holds: { networks: ['192.0.2.0/24', '10.0.0.0/8'] }, fails: { networks: ['192.0.2.0/24'] } },
    between: {
      holds: { between: ['mon 12:00-13:00 UTC'] },
      fails: { between: ['mon 12:01-13:00 UTC', 'tue 00:00-24:00 UTC'] },
    },
    signed_in_by: { holds: { signed_in_by: ['x', 'entra'] }, fails: { signed_in_by: ['oidc'] } },
    groups: { holds: { groups: ['x', 'Risk-Team'] }, fails: { groups: ['risk-team2', 'S-1-5-21-1-2-3-5120'] } },
    roles: { holds: { roles: ['x', 'risk'] }, fails: { roles: ['Risk'] } },
    module: { holds: { module: 'Risk' }, fails: { module: 'risk' } },
    credentials: {
      holds: { credentials: ['approval', 'session'] },
      fails: { credentials: ['api_key', 'approval'] },
    },
  };

for (const condition of conditions) {
  const { holds, fails } = examples[condition.kind];
  const compiled = (rule: Partial<Rule>) => condition.compile({ path: '/', ...rule });

  test(`condition ${condition.kind} leaves a rule alone that does not state it`, () => {
    assert.equal(compiled({}), undefined);
  });

  test(`condition ${condition.kind} holds for whom the rule means`, () => {
    assert.equal(compiled(holds)?.(subject, here).holds, true);
  });

  if (!besidePublic.has(condition.kind))
    test(`condition ${condition.kind} asks a visitor to sign in`, () => {
      assert.equal(compiled(holds)?.(anonymous, here).reason, 'not-signed-in');
    });

  if (fails !== undefined) {
    test(`condition ${condition.kind} fails for others, and says so in its own word`, () => {
      const finding = compiled(fails)?.(subject, here);
      assert.equal(finding?.holds, false);
      assert.notEqual(finding?.reason, 'not-signed-in');
    });
  }
}

const shown = [
  ['both', ['api_key', 'approval'], true],
  ['both and another one', ['session', 'api_key', 'approval'], true],
  ['the API key alone', ['api_key'], false],
  ['the approval alone', ['approval'], false],
  ['a session and the approval', ['session', 'approval'], false],
  ['none', [], false],
] as const;

test('condition max_age does not take the issue of a sign-in for a proof of who it is', () => {
  const { provenAt: _, ...unproven } = alice;
  const judge = conditions.find(({ kind }) => kind === 'max_age')?.compile({ max_age: 365 * 86_400_000 });
  const finding = judge?.(subjectOf({ ...unproven, authenticatedAt: here.now }, {}, {}), here);
  assert.equal(finding?.reason, 'sign-in-too-old');
});

for (const [what, kinds, holds] of shown)
  test(`condition credentials asks for all of them: ${holds ? 'content' : 'not content'} with ${what}`, () => {
    const judge = credentialsCondition.compile({ path: '/', credentials: ['api_key', 'approval'] });
    assert.equal(judge?.({ ...subject, credentials: new Set(kinds) }, here).holds, holds);
  });

test('condition credentials says what is missing in a word of its own, and that it was shown', () => {
  const judge = credentialsCondition.compile({ path: '/', credentials: ['session'] });
  assert.equal(judge?.({ ...subject, credentials: new Set(['api_key']) }, here).reason, 'credential-missing');
  assert.equal(judge?.(subject, here).reason, 'credentials-shown');
});

test('condition credentials lets nobody in by an empty list', () => {
  assert.equal(credentialsCondition.compile({ path: '/', credentials: [] })?.(subject, here).holds, false);
});

test('condition credentials throws for a word that no credential has: it could never hold', () => {
  assert.throws(() => credentialsCondition.compile({ path: '/', credentials: ['apikey'] }), TypeError);
});

for (const name of ['negotiate', 'test'])
  test(`condition signed_in_by takes the kind of the method as well: ${name}`, () => {
    const judge = signedInByCondition.compile({ signed_in_by: [name] });
    assert.equal(judge?.(subject, here).holds, name === 'test');
  });

for (const kind of ['networks', 'between', 'signed_in_by', 'groups', 'roles'] as const)
  test(`condition ${kind} lets nobody in by an empty list`, () => {
    const condition = conditions.find((one) => one.kind === kind);
    assert.equal(condition?.compile({ [kind]: [] })?.(subject, here).holds, false);
  });
