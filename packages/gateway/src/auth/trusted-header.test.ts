import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../core/secret.ts';
import { cidrMatcher } from '../wire/cidr.ts';
import type { Outcome } from './authenticator.ts';
import { credentials } from './credentials-testing.ts';
import { type TrustedHeaderOptions, trustedHeader, trustedHeaderFields } from './trusted-header.ts';

const now = 1_789_000_000_000;

function ask(fields: readonly string[], options: Partial<TrustedHeaderOptions> = {}, from = '127.0.0.1'): Outcome {
  const method = trustedHeader({
    isTrusted: cidrMatcher(['127.0.0.1/32']),
    header: 'X-Remote-User',
    names: { defaultDomain: 'CORP', domains: { 'corp.example': 'CORP' } },
    encoding: 'utf-8',
    lifetimeMs: 1_000,
    beginsSession: false,
    ...options,
  });
  const { connection } = credentials();
  const outcome = method.authenticate(
    // The client's address, as a forwarded field has it, is somebody else's word.
    credentials({ now, fields, address: '127.0.0.1', connection: { ...connection, remoteAddress: from } }),
  );
  assert.ok(!(outcome instanceof Promise));
  return outcome;
}

const account = (outcome: Outcome): string => (outcome.kind === 'accepted' ? outcome.identity.account : outcome.kind);
const reason = (outcome: Outcome): string => (outcome.kind === 'rejected' ? outcome.reason : outcome.kind);

test('trustedHeader() believes the configured peer, and gives no groups of its own', () => {
  const outcome = ask(['X-Remote-User', 'CORP\\Alice']);
  assert.deepEqual(outcome.kind === 'accepted' && outcome.identity, {
    subject: 'trusted_header:corp\\alice',
    account: 'CORP\\Alice',
    upn: undefined,
    name: undefined,
    email: undefined,
    sids: [],
    groups: [],
    method: 'trusted_header',
    authenticatedAt: now,
    expiresAt: now + 1_000,
  });
});

test('trustedHeader() reads a UPN and a bare name, and any case of the field', () => {
  assert.equal(account(ask(['x-remote-user', 'alice@corp.example'])), 'CORP\\alice');
  assert.equal(account(ask(['X-REMOTE-USER', 'alice'])), 'CORP\\alice');
});

for (const peer of ['127.0.0.2', '10.0.0.1', '::1', '', 'unix'])
  test(`trustedHeader() leaves the field of the peer "${peer}" unread`, () => {
    assert.deepEqual(ask(['X-Remote-User', 'CORP\\alice'], {}, peer), { kind: 'absent' });
  });

test('trustedHeader() is absent when the peer names nobody', () => {
  assert.deepEqual(ask([]), { kind: 'absent' });
  assert.deepEqual(ask(['X-Remote-User', '']), { kind: 'absent' });
});

for (const [what, fields, why] of [
  ['two fields', ['X-Remote-User', 'CORP\\alice', 'X-Remote-User', 'CORP\\alice'], 'trusted-header-repeated'],
  [
    "the client's alias beside it",
    ['X_Remote_User', 'CORP\\admin', 'X-Remote-User', 'CORP\\alice'],
    'trusted-header-repeated',
  ],
  ["the client's alias alone", ['X_Remote_User', 'CORP\\admin'], 'trusted-header-repeated'],
  ['two names', ['X-Remote-User', 'CORP\\alice, CORP\\bob'], 'trusted-header-unreadable'],
  ['a service account of Windows', ['X-Remote-User', 'NT AUTHORITY\\SYSTEM'], 'trusted-header-unreadable'],
  ['bytes that are no UTF-8', ['X-Remote-User', 'CORP\\j\u00fcrgen'], 'trusted-header-unreadable'],
  ['a long text', ['X-Remote-User', `CORP\\${'a'.repeat(600)}`], 'trusted-header-unreadable'],
] as const)
  test(`trustedHeader() refuses ${what}`, () => assert.equal(reason(ask(fields)), why));

test('trustedHeader() reads names outside ASCII as UTF-8, or percent-encoded where that is configured', () => {
  const bytes = Buffer.from('CORP\\jürgen').toString('latin1');
  assert.equal(account(ask(['X-Remote-User', bytes])), 'CORP\\jürgen');
  assert.equal(account(ask(['X-Remote-User', 'CORP%5Cj%C3%BCrgen'], { encoding: 'percent' })), 'CORP\\jürgen');
  assert.equal(reason(ask(['X-Remote-User', 'CORP%5Cj%FCrgen'], { encoding: 'percent' })), 'trusted-header-unreadable');
  assert.equal(reason(ask(['X-Remote-User', 'CORP%5Calice'])), 'trusted-header-unreadable');
});

const secret = { header: 'X-Proxy-Secret', value: new Secret('s3cret') };
for (const [what, fields, accepted] of [
  ['the right one', ['X-Proxy-Secret', 's3cret'], true],
  ['a wrong one', ['X-Proxy-Secret', 's3cre'], false],
  ['none', [], false],
  ['two', ['X-Proxy-Secret', 's3cret', 'X-Proxy-Secret', 's3cret'], false],
  ['an alias', ['X_Proxy_Secret', 's3cret'], false],
] as const)
  test(`trustedHeader() with a secret ${accepted ? 'accepts' : 'refuses'} ${what}`, () => {
    const outcome = ask(['X-Remote-User', 'CORP\\alice', ...fields], { secret });
    assert.equal(reason(outcome), accepted ? 'accepted' : 'trusted-header-secret');
    assert.doesNotMatch(JSON.stringify(outcome), /s3cre/);
  });

test('trustedHeader() is asked before the session, and says whether it begins one', () => {
  const options = { isTrusted: () => true, header: 'X', names: {}, encoding: 'utf-8', lifetimeMs: 1 } as const;
  for (const beginsSession of [true, false]) {
    const method = trustedHeader({ ...options, beginsSession });
    const outcome = method.authenticate(credentials({ fields: ['X', 'CORP\\alice'] }));
    assert.ok(!(outcome instanceof Promise) && outcome.kind === 'accepted');
    assert.deepEqual([method.scope, outcome.beginsSession], ['request', beginsSession]);
  }
});

test('trustedHeaderFields() has the names that nobody else may send', () => {
  assert.deepEqual(trustedHeaderFields({ header: 'X-Iis-User' }), ['X-Iis-User']);
  assert.deepEqual(trustedHeaderFields({ header: 'X-Iis-User', secret }), ['X-Iis-User', 'X-Proxy-Secret']);
});
