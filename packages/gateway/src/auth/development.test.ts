import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Credentials, Outcome } from './authenticator.ts';
import { credentials } from './credentials-testing.ts';
import { development, developmentNotice } from './development.ts';

const method = development({ account: 'DEV\\me', name: 'Me', groups: ['it-admins'], lifetimeMs: 1_000 });

function ask(peer: string, carried: Partial<Credentials> = {}): Outcome {
  const { connection } = credentials();
  const outcome = method.authenticate(
    credentials({ now: 5, address: peer, ...carried, connection: { ...connection, remoteAddress: peer } }),
  );
  assert.ok(!(outcome instanceof Promise));
  return outcome;
}

for (const peer of ['127.0.0.1', '127.1.2.3', '::1'])
  test(`development() signs in whoever comes from ${peer}, and says aloud what that is worth`, () => {
    const outcome = ask(peer);
    assert.ok(outcome.kind === 'accepted');
    assert.deepEqual(
      [outcome.identity.account, outcome.identity.groups, outcome.identity.expiresAt],
      ['DEV\\me', ['it-admins'], 1_005],
    );
    assert.equal(outcome.note, developmentNotice);
  });

for (const [what, outcome] of [
  ['another machine', () => ask('10.0.0.1')],
  ['a peer without an address', () => ask('')],
  ['a client behind a proxy on this machine', () => ask('127.0.0.1', { address: '10.0.0.1' })],
  ['a proxy that is not on this machine and speaks for one that is', () => ask('10.0.0.1', { address: '127.0.0.1' })],
  ['a tunnel that says for whom it speaks', () => ask('127.0.0.1', { fields: ['X-Forwarded-For', '203.0.113.7'] })],
  ['a proxy that says that it is one', () => ask('127.0.0.1', { fields: ['Via', '1.1 proxy'] })],
  [
    'a proxy that says it with the standard field',
    () => ask('127.0.0.1', { fields: ['forwarded', 'for=203.0.113.7'] }),
  ],
] as const)
  test(`development() refuses ${what}`, () => assert.equal(outcome().kind, 'rejected'));
