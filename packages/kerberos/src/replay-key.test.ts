import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ReplayIdentity, replayKey } from './replay-key.ts';

const identity: ReplayIdentity = {
  clientRealm: 'CORP.EXAMPLE',
  client: 'alice',
  ticketCipher: Uint8Array.of(1, 2, 3),
  ctime: 1_795_345_200_000,
  cusec: 17,
  authenticatorCipher: Uint8Array.of(4, 5, 6),
};

test('replayKey() is the same for the same authenticator', () => {
  assert.equal(replayKey({ ...identity }), replayKey(identity));
  assert.match(replayKey(identity), /^[\w-]{43}$/);
});

const others: readonly (readonly [string, Partial<ReplayIdentity>])[] = [
  ['realm', { clientRealm: 'CORP.EXAMPLF' }],
  ['client', { client: 'alicf' }],
  ['ticket', { ticketCipher: Uint8Array.of(1, 2, 4) }],
  ['second', { ctime: identity.ctime + 1000 }],
  ['microsecond', { cusec: 18 }],
  ['authenticator', { authenticatorCipher: Uint8Array.of(4, 5, 7) }],
  ['boundary of realm and client', { clientRealm: 'CORP.EXAMPLEa', client: 'lice' }],
  ['boundary of the client and the ticket', { client: 'alice\u0001', ticketCipher: Uint8Array.of(2, 3) }],
];
for (const [what, change] of others)
  test(`replayKey() depends on the ${what}`, () =>
    assert.notEqual(replayKey({ ...identity, ...change }), replayKey(identity)));
