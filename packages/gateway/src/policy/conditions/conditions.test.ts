import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../../core/identity.ts';
import { conditions } from '../compile.ts';
import type { Condition } from '../condition.ts';
import { credentialsCondition } from './credentials.ts';
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
  authenticatedAt: 0,
  expiresAt: 1,
};
const subject = subjectOf(
  alice,
  { risk: { groups: ['risk-team'], modules: ['Risk'] } },
  new Set(['session', 'approval']),
);

/** A rule that lets alice in and one that does not, for each kind. A new kind gets its line here. */
const examples: Readonly<Record<Condition['kind'], { readonly holds: Partial<Rule>; readonly fails?: Partial<Rule> }>> =
  {
    public: { holds: { public: true } },
    signed_in: { holds: { signed_in: true } },
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
    assert.equal(compiled(holds)?.(subject).holds, true);
  });

  test(`condition ${condition.kind} ${condition.kind === 'public' ? 'asks no visitor' : 'asks a visitor'} to sign in`, () => {
    const reason = condition.kind === 'public' ? 'public' : 'not-signed-in';
    assert.equal(compiled(holds)?.(anonymous).reason, reason);
  });

  if (fails !== undefined) {
    test(`condition ${condition.kind} fails for others, and says so in its own word`, () => {
      const finding = compiled(fails)?.(subject);
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

for (const [what, kinds, holds] of shown)
  test(`condition credentials asks for all of them: ${holds ? 'content' : 'not content'} with ${what}`, () => {
    const judge = credentialsCondition.compile({ path: '/', credentials: ['api_key', 'approval'] });
    assert.equal(judge?.({ ...subject, credentials: new Set(kinds) }).holds, holds);
  });

test('condition credentials says what is missing in a word of its own, and that it was shown', () => {
  const judge = credentialsCondition.compile({ path: '/', credentials: ['session'] });
  assert.equal(judge?.({ ...subject, credentials: new Set(['api_key']) }).reason, 'credential-missing');
  assert.equal(judge?.(subject).reason, 'credentials-shown');
});

test('condition credentials lets nobody in by an empty list', () => {
  assert.equal(credentialsCondition.compile({ path: '/', credentials: [] })?.(subject).holds, false);
});

test('condition credentials throws for a word that no credential has: it could never hold', () => {
  assert.throws(() => credentialsCondition.compile({ path: '/', credentials: ['apikey'] }), TypeError);
});
