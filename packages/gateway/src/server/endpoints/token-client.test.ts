import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subjectOf } from '../../policy/subject.ts';
import { anIdentity } from './endpoints-testing.ts';
import { clientOf, contentsFor, groupPattern, mayHave, type TokenClient } from './token-client.ts';
import type { TokenRequest } from './token-request.ts';

const client = (more: Partial<TokenClient> = {}): TokenClient => ({
  id: 'desktop',
  audiences: ['llm'],
  groups: ['*'],
  allow: undefined,
  lifetimeMs: 1,
  roles: false,
  scopes: [],
  signIn: undefined,
  pages: false,
  ...more,
});
const request = (more: Partial<TokenRequest> = {}): TokenRequest => ({
  client: undefined,
  audience: undefined,
  scopes: undefined,
  groups: undefined,
  expiresIn: undefined,
  ...more,
});

const patterns: readonly (readonly [pattern: string, group: string, fits: boolean])[] = [
  ['team-ai', 'team-ai', true],
  ['team-ai', 'TEAM-AI', true],
  ['team-ai', 'team-ai2', false],
  ['*', 'anything at all', true],
  ['*', '', true],
  ['llm-*', 'LLM-users', true],
  ['llm-*', 'llm-', true],
  ['llm-*', 'my-llm-users', false],
  ['*-users', 'llm-users', true],
  ['*-users', 'llm-users2', false],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['a*b*c', 'a-b-c', true],
  ['a*b*c', 'a-c', false],
  ['a*bc*c', 'abc', false],
  ['a*bc*c', 'abcc', true],
  ['.', 'x', false],
  ['a.c', 'abc', false],
  ['Ökonomie-*', 'ökonomie-経理', true],
  // The Kelvin sign is the one letter beyond ASCII that would fold into it: another group would pass for ours.
  ['k*', '\u212aelvin', false],
  ['S-1-5-*', 's-1-5-21', true],
];
for (const [pattern, group, fits] of patterns)
  test(`groupPattern() "${pattern}" ${fits ? 'fits' : 'does not fit'} "${group}"`, () =>
    assert.equal(groupPattern(pattern)(group), fits));

test('clientOf() takes the first client of those that fit, and its first audience', () => {
  const clients = [client(), client({ id: 'batch', audiences: ['llm', 'archive'] })];
  const chosen = (more: Partial<TokenRequest>): unknown => {
    const found = clientOf(request(more), clients);
    return found.kind === 'ok' ? [found.client.id, found.audience] : found.error;
  };
  assert.deepEqual(chosen({}), ['desktop', 'llm']);
  assert.deepEqual(chosen({ client: 'batch' }), ['batch', 'llm']);
  assert.deepEqual(chosen({ audience: 'archive' }), ['batch', 'archive']);
  assert.deepEqual(chosen({ client: 'desktop', audience: 'archive' }), 'invalid_target');
  assert.deepEqual(chosen({ client: 'x' }), 'invalid_client');
});

test('mayHave() lets pass whoever is in one of the groups, by name or SID, or has one of the roles', () => {
  const roles = { analyst: { groups: ['risk'], modules: [] } };
  const person = (groups: readonly string[], sids: readonly string[] = []) =>
    subjectOf(anIdentity({ groups, sids }), roles);
  const closed = client({ allow: { groups: ['LLM', 'S-1-5-21-1-2-3-9'], roles: ['analyst'] } });
  const may = (subject: ReturnType<typeof person>): string => mayHave(closed, subject, 'negotiate').kind;
  assert.deepEqual(
    [
      person(['llm']),
      person([], ['S-1-5-21-1-2-3-9']),
      person(['risk']),
      person(['other']),
      person(['S-1-5-21-1-2-3-9']),
    ].map(may),
    ['ok', 'ok', 'ok', 'refused', 'refused'],
  );
});

test('mayHave() lets nobody pass where neither groups nor roles are named, and everybody where nothing is said', () => {
  const person = subjectOf(anIdentity(), {});
  assert.equal(mayHave(client({ allow: { groups: [], roles: [] } }), person, 'negotiate').kind, 'refused');
  assert.equal(mayHave(client(), person, undefined).kind, 'ok');
});

test('mayHave() goes by the entry that the sign-in began with', () => {
  const person = subjectOf(anIdentity(), {});
  const silent = client({ signIn: new Set(['negotiate']) });
  assert.deepEqual(
    ['negotiate', 'password', undefined].map((provider) => mayHave(silent, person, provider).kind),
    ['ok', 'refused', 'refused'],
  );
});

test('contentsFor() leaves out all groups but those of the client, each once, in order', () => {
  const all = ['z', 'llm-b', 'LLM-A', 'llm-a', 'team'];
  const found = contentsFor(client({ groups: ['llm-*', 'team'] }), request(), all);
  assert.deepEqual(found.kind === 'ok' && found.groups, ['llm-a', 'llm-b', 'team']);
});

test('contentsFor() has 400 groups through a filter that wants two of them', () => {
  const all = Array.from({ length: 400 }, (_, i) => `big-group-${i}`);
  const found = contentsFor(client({ groups: ['big-group-7', 'big-group-39', 'x'] }), request(), all);
  assert.deepEqual(found.kind === 'ok' && found.groups, ['big-group-39', 'big-group-7']);
});

test('contentsFor() gives the part that is asked for, and nothing beyond what there is', () => {
  const chat = client({ groups: ['llm-*'], scopes: ['chat', 'embed'] });
  const asked = (more: Partial<TokenRequest>): unknown => {
    const found = contentsFor(chat, request(more), ['llm-a', 'llm-b', 'team']);
    return found.kind === 'ok' ? [found.groups, found.scopes] : found.reason;
  };
  assert.deepEqual(asked({}), [
    ['llm-a', 'llm-b'],
    ['chat', 'embed'],
  ]);
  assert.deepEqual(asked({ groups: ['LLM-A'], scopes: ['embed', 'embed'] }), [['llm-a'], ['embed']]);
  assert.deepEqual(asked({ groups: [], scopes: [] }), [[], []]);
  assert.deepEqual(asked({ groups: ['team'] }), 'groups');
  assert.deepEqual(asked({ groups: ['llm-a', 'llm-c'] }), 'groups');
  assert.deepEqual(asked({ scopes: ['chat', 'admin'] }), 'scope');
});
