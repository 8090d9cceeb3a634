import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alicesPac,
  corp,
  createAccount,
  ifRelevant,
  issueTicket,
  keytabOf,
  makeRequest,
  principal,
  type RequestBend,
  type TicketBend,
} from '../test/initiator.ts';
import { type AcceptCircumstances, verifyApReq } from './accept-ap-req.ts';
import { channelBindingHash, tlsServerEndPoint } from './channel-bindings.ts';
import { generateKey, importKey } from './etypes.ts';
import type { FailureCode } from './failure.ts';
import { encodeGssChecksum } from './gss-checksum.ts';
import { encodeApReq, readApReq } from './messages/ap-req.ts';
import { flagsOf } from './messages/primitives.ts';
import { ApOption, AuthDataType, Etype, NameType, TicketFlag } from './numbers.ts';
import { type AcceptPolicyOptions, acceptPolicy } from './policy.ts';
import { sidToBytes } from './sid.ts';

const now = Date.UTC(2026, 10, 22, 12, 0, 0, 250);
const minute = 60_000;
const hour = 60 * minute;
const everyEtype = [17, 18, 19, 20, 23];
const account = createAccount({ etypes: everyEtype });
const keytab = keytabOf(account);
const certificateHash = new Uint8Array(32).fill(7);
const ourBindings = channelBindingHash(tlsServerEndPoint(certificateHash));

interface Situation {
  readonly ticket?: TicketBend;
  readonly request?: RequestBend;
  readonly policy?: Partial<AcceptPolicyOptions>;
  readonly circumstances?: Partial<AcceptCircumstances>;
}

function verify({ ticket, request, policy, circumstances }: Situation) {
  const { message } = makeRequest(issueTicket(account, now, ticket), now, request);
  return verifyApReq(message, acceptPolicy({ keytab, ...policy }), { now, ...circumstances });
}

const outcome = (situation: Situation): FailureCode | 'verified' => {
  const result = verify(situation);
  return result.kind === 'verified' ? 'verified' : result.failure.code;
};

const gssChecksum = encodeGssChecksum({ bindings: new Uint8Array(16), flags: 0, extensions: [] });
const rc4 = { dangerouslyAllowRc4: true };
const clear = (service: string, realm = account.realm): TicketBend => ({
  clear: { service: principal(service), realm },
});
const part = (change: TicketBend['part'] & object): TicketBend => ({ part: change });
const promise = ifRelevant({ type: AuthDataType.apOptions, data: Uint8Array.of(0, 0x40, 0, 0) });
const foreign = (transited: string, flags = flagsOf()): TicketBend =>
  part({ clientRealm: 'A.CORP.EXAMPLE', transited: { type: 1, contents: Buffer.from(transited) }, flags });

/** A ticket without a PAC, as the KDC of another kind than AD issues it. */
const anonymous = (change: TicketBend['part'] & object): TicketBend => ({ ...part(change), pac: 'none' });
const { logon: alicesLogon } = alicesPac('alice', 0);
assert.ok(alicesLogon !== undefined);
/** An enterprise name that the KDC did not replace by the account's (RFC 6806, 5). */
const alias = (name: string): TicketBend => ({
  client: name,
  part: { client: { nameType: NameType.enterprise, components: [name] } },
  pac: { logon: alicesLogon },
});
const namelessPac = {
  logon: { ...alicesLogon, accountName: '' },
  upnDns: { upn: 'alice@corp.example', dnsDomain: '' },
};
/** CLIENT_CLAIMS (empty, as for people without any), DEVICE_INFO, DEVICE_CLAIMS, ATTRIBUTES_INFO, REQUESTOR. */
const newerBuffers = [
  { type: 13, bytes: new Uint8Array(0) },
  { type: 14, bytes: new Uint8Array(120) },
  { type: 15, bytes: new Uint8Array(2000) },
  { type: 17, bytes: Uint8Array.of(2, 0, 0, 0, 1, 0, 0, 0) },
  { type: 18, bytes: sidToBytes(`${corp.domainSid}-1104`) },
];

const situations: readonly (readonly [string, FailureCode | 'verified', Situation])[] = [
  ['an ordinary ticket', 'verified', {}],
  ['every encryption type: 17', 'verified', { ticket: { etype: 17 } }],
  ['every encryption type: 19', 'verified', { ticket: { etype: 19 } }],
  ['every encryption type: 20', 'verified', { ticket: { etype: 20 } }],
  ['a session key of another type than the ticket', 'verified', { ticket: { etype: 18, sessionEtype: 17 } }],
  ['a sub-key of another type than the session key', 'verified', { request: { subkeyEtype: 17 } }],
  ['no sub-key', 'verified', { request: { subkeyEtype: 'none' } }],
  ['no PAC', 'verified', { ticket: { pac: 'none' } }],
  ['no PAC, although one is required', 'pac-missing', { ticket: { pac: 'none' }, policy: { requirePac: true } }],
  [
    'a PAC that does not name the account, although one is required',
    'pac-missing',
    { ticket: { pac: namelessPac }, policy: { requirePac: true } },
  ],
  ['a PAC that does not name the account', 'verified', { ticket: { pac: namelessPac } }],
  ['a PAC, where one is required', 'verified', { policy: { requirePac: true } }],
  ['an alias, whose account the PAC names', 'verified', { ticket: alias('alice@corp.example') }],
  ['an alias without a PAC', 'client-name', { ticket: { ...alias('administrator'), pac: 'none' } }],
  ['anonymous, by its realm', 'client-name', { ticket: anonymous({ clientRealm: 'WELLKNOWN:ANONYMOUS' }) }],
  ['anonymous, by its name', 'client-name', { ticket: anonymous({ client: principal('WELLKNOWN/ANONYMOUS', 1) }) }],
  ['anonymous, by its name type', 'client-name', { ticket: anonymous({ client: principal('x', 11) }) }],
  ['anonymous, by its flag', 'client-name', { ticket: anonymous({ flags: flagsOf(TicketFlag.anonymous) }) }],
  ['somebody whose name is WELLKNOWN', 'verified', { ticket: anonymous({ client: principal('WELLKNOWN', 1) }) }],
  ['a client without a name', 'client-name', { ticket: anonymous({ client: principal('', 1) }) }],
  ['a client with an empty part in its name', 'client-name', { ticket: anonymous({ client: principal('alice/', 1) }) }],
  ['what newer KDCs put into PACs', 'verified', { ticket: { pac: { others: newerBuffers } } }],
  ['a delegated credential', 'verified', { request: { delegation: Buffer.alloc(1500, 1) } }],
  ['no sequence number', 'verified', { request: { part: { sequenceNumber: undefined } } }],
  ['a key version in the authenticator', 'verified', { request: { kvno: 1 } }],

  ['user-to-user', 'option-unsupported', { request: { options: flagsOf(ApOption.useSessionKey) } }],
  ['another service', 'wrong-service', { ticket: clear('HTTP/other.corp.example') }],
  ['another service class', 'wrong-service', { ticket: clear('host/app.corp.example') }],
  ['a part of the service’s name', 'wrong-service', { ticket: clear('HTTP') }],
  [
    'a name in one component that looks like ours',
    'wrong-service',
    {
      ticket: { clear: { service: { nameType: 2, components: ['HTTP/app.corp.example'] } } },
    },
  ],
  ['another realm of the service', 'wrong-service', { ticket: clear('HTTP/app.corp.example', 'OTHER.EXAMPLE') }],
  ['our realm in lower case', 'wrong-service', { ticket: clear('HTTP/app.corp.example', 'corp.example') }],
  ['our name in another case', 'verified', { ticket: clear('http/APP.corp.example') }],
  ['a newer key version', 'key-version', { ticket: { kvno: 3 } }],
  ['no key version', 'verified', { ticket: { kvno: 'none' } }],
  ['the number of a read-only domain controller in the key version', 'verified', { ticket: { kvno: 0x70002 } }],
  ['RC4 for the ticket', 'rc4-refused', { ticket: { etype: 23, sessionEtype: 18 } }],
  ['RC4 for the session key alone', 'rc4-refused', { ticket: { sessionEtype: 23 } }],
  ['RC4 for the sub-key alone', 'rc4-refused', { request: { subkeyEtype: 23 } }],
  ['RC4 everywhere, if that is allowed', 'verified', { ticket: { etype: 23 }, policy: rc4 }],
  ['another key than the keytab’s', 'integrity', { ticket: { key: importKey(18, generateKey(18)) } }],
  ['a ticket that decrypts to something else', 'token-malformed', { ticket: { spoil: () => Uint8Array.of(0x63, 0) } }],
  [
    'a ticket with a byte after its end',
    'token-malformed',
    {
      ticket: { spoil: (plain) => Buffer.concat([plain, Buffer.of(0)]) },
    },
  ],

  ['the flag INVALID', 'ticket-invalid', { ticket: part({ flags: flagsOf(TicketFlag.invalid) }) }],
  ['a ticket that begins in five minutes', 'verified', { ticket: part({ startTime: now - 250 + 5 * minute }) }],
  ['a ticket that begins in six minutes', 'ticket-not-yet-valid', { ticket: part({ startTime: now + 6 * minute }) }],
  [
    'a ticket without a start whose authtime is to come',
    'ticket-not-yet-valid',
    {
      ticket: part({ startTime: undefined, authTime: now + 6 * minute }),
    },
  ],
  ['a ticket that ended four minutes ago', 'verified', { ticket: part({ endTime: now - 4 * minute }) }],
  ['a ticket that ended six minutes ago', 'ticket-expired', { ticket: part({ endTime: now - 6 * minute }) }],
  [
    'a session key of a type that is not spoken',
    'encryption-type',
    {
      ticket: { spoil: replaceOnce('a003020112a1220420', 'a003020103a1220420') },
    },
  ],
  [
    'a session key that is too short for its type',
    'token-malformed',
    {
      ticket: { spoil: replaceOnce('a003020112a1220420', 'a003020111a1220420') },
    },
  ],
  ['an authenticator that names another type', 'integrity', { request: { etype: 17 } }],
  [
    'an authenticator that decrypts to something else',
    'token-malformed',
    {
      request: { spoil: () => Uint8Array.of(0x62, 0) },
    },
  ],

  ['an authenticator of another client', 'client-mismatch', { request: { part: { client: principal('mallory', 1) } } }],
  ['an authenticator of another realm', 'client-mismatch', { request: { part: { clientRealm: 'OTHER.EXAMPLE' } } }],
  ['an authenticator in another case', 'client-mismatch', { request: { part: { client: principal('ALICE', 1) } } }],
  ['an authenticator with another name type', 'verified', { request: { part: { client: principal('alice', 10) } } }],
  ['a clock exactly five minutes behind', 'verified', { circumstances: { now: now + 5 * minute } }],
  ['a clock more than five minutes behind', 'clock-skew', { circumstances: { now: now + 5 * minute + 1 } }],
  ['a clock exactly five minutes ahead', 'verified', { circumstances: { now: now - 5 * minute } }],
  ['a clock more than five minutes ahead', 'clock-skew', { circumstances: { now: now - 5 * minute - 1 } }],
  ['a clock outside a smaller skew', 'clock-skew', { circumstances: { now: now + 1001 }, policy: { maxSkewMs: 1000 } }],
  ['a clock inside a larger skew', 'verified', { circumstances: { now: now + hour }, policy: { maxSkewMs: hour } }],

  ['no checksum', 'gss-checksum', { request: { checksum: 'none' } }],
  ['a checksum of another type', 'gss-checksum', { request: { checksum: { type: 16, bytes: gssChecksum } } }],
  [
    'a GSS checksum that is cut short',
    'gss-checksum',
    {
      request: { checksum: { type: 0x8003, bytes: Uint8Array.of(16, 0, 0, 0) } },
    },
  ],
  ['DCE style', 'option-unsupported', { request: { flags: 0x1000 } }],
  [
    'critical data in the ticket that nobody knows',
    'option-unsupported',
    {
      ticket: { authorizationData: [{ type: 77, data: Uint8Array.of(1) }] },
    },
  ],
  [
    'critical data in the authenticator that nobody knows',
    'option-unsupported',
    {
      request: { part: { authorizationData: [{ type: 77, data: Uint8Array.of(1) }] } },
    },
  ],
  [
    'what Windows puts into its authenticators',
    'verified',
    {
      request: {
        part: {
          authorizationData: [
            ifRelevant({ type: AuthDataType.tokenRestrictions, data: Buffer.alloc(60) }),
            ifRelevant(
              { type: AuthDataType.local, data: Buffer.alloc(16) },
              { type: 143, data: Uint8Array.of(0, 0x40, 0, 0) },
            ),
            ifRelevant({ type: AuthDataType.targetPrincipal, data: Buffer.alloc(50) }),
          ],
        },
      },
    },
  ],
  [
    'authorization data that are none',
    'token-malformed',
    {
      ticket: { authorizationData: [{ type: 1, data: Uint8Array.of(1) }] },
    },
  ],

  ['our channel bindings', 'verified', { request: { bindings: ourBindings }, circumstances: { certificateHash } }],
  [
    'channel bindings of another connection',
    'channel-bindings',
    {
      request: { bindings: Buffer.alloc(16, 9) },
      circumstances: { certificateHash },
    },
  ],
  ['no channel bindings over TLS', 'verified', { circumstances: { certificateHash } }],
  [
    'no channel bindings over TLS from a client that promised them',
    'channel-bindings',
    {
      request: { part: { authorizationData: [promise] } },
      circumstances: { certificateHash },
    },
  ],
  [
    'channel bindings kept as promised',
    'verified',
    {
      request: { bindings: ourBindings, part: { authorizationData: [promise] } },
      circumstances: { certificateHash },
    },
  ],
  [
    'no channel bindings where they are required',
    'channel-bindings',
    {
      circumstances: { certificateHash },
      policy: { requireChannelBindings: true },
    },
  ],
  [
    'our channel bindings where they are required',
    'verified',
    {
      request: { bindings: ourBindings },
      circumstances: { certificateHash },
      policy: { requireChannelBindings: true },
    },
  ],
  [
    'channel bindings without TLS: of a terminator in front',
    'verified',
    { request: { bindings: Buffer.alloc(16, 9) } },
  ],
  [
    'no TLS where channel bindings are required',
    'channel-bindings',
    {
      request: { bindings: ourBindings },
      policy: { requireChannelBindings: true },
    },
  ],

  ['a client of a realm that is allowed', 'verified', { policy: { clientRealms: ['CORP.EXAMPLE'] } }],
  ['a client of a realm that is not', 'realm-not-allowed', { policy: { clientRealms: ['OTHER.EXAMPLE'] } }],
  ['a client of nowhere when no realm is allowed', 'realm-not-allowed', { policy: { clientRealms: [] } }],
  ['a client of a trusted realm', 'verified', { ticket: foreign('') }],
  ['a client that came through a realm elsewhere', 'realm-not-allowed', { ticket: foreign('EVIL.TEST') }],
  [
    'a client that came through a realm that the KDC checked',
    'verified',
    {
      ticket: foreign('TREE.TEST', flagsOf(TicketFlag.transitedPolicyChecked)),
    },
  ],
  [
    'a client that came through a configured realm',
    'verified',
    {
      ticket: foreign('TREE.TEST'),
      policy: { transitRealms: ['TREE.TEST'] },
    },
  ],

  ['an altered PAC', 'pac-invalid', { ticket: { spoilPac: (pac) => flip(pac, pac.length - 200) } }],
  ['a PAC of another client', 'pac-invalid', { ticket: { pac: { clientName: 'mallory' } } }],
  ['a PAC of another sign-in', 'pac-invalid', { ticket: { pac: { authTime: now - 2 * hour } } }],
  ['two PACs', 'pac-invalid', { ticket: { authorizationData: [{ type: 128, data: Uint8Array.of(1) }] } }],
];

for (const [what, expected, situation] of situations)
  test(`verifyApReq() ${expected === 'verified' ? 'accepts' : 'refuses'} ${what}`, () =>
    assert.equal(outcome(situation), expected));

/** Swaps one piece of the encoding, given in hex, for another of the same length. */
function replaceOnce(from: string, to: string): (plain: Uint8Array) => Uint8Array {
  return (plain) => {
    const text = Buffer.from(plain).toString('hex');
    assert.ok(text.includes(from));
    return Buffer.from(text.replace(from, to), 'hex');
  };
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

test('verifyApReq() tells who the client is and what it holds', () => {
  const result = verify({ ticket: { etype: 18, sessionEtype: 17 } });
  assert.ok(result.kind === 'verified');
  const { pac, ...client } = result.client;
  assert.deepEqual(client, {
    principal: 'alice',
    realm: 'CORP.EXAMPLE',
    service: 'HTTP/app.corp.example@CORP.EXAMPLE',
    ticketEtype: 18,
    sessionEtype: 17,
    authTime: now - 250 - hour,
    endTime: now - 250 + 9 * hour,
    channelBound: false,
  });
  const domain = 'S-1-5-21-1004336348-1177238915-682003330';
  assert.deepEqual(pac?.logon?.groupSids, [
    `${domain}-513`,
    `${domain}-1105`,
    `${domain}-1106`,
    'S-1-18-1',
    `${domain}-1200`,
  ]);
  assert.equal(pac?.upn, 'alice@corp.example');
});

test('verifyApReq() gives the client’s own realm, and not the service’s', () => {
  const result = verify({ ticket: foreign('') });
  assert.ok(result.kind === 'verified');
  assert.deepEqual(
    [result.client.realm, result.client.service],
    ['A.CORP.EXAMPLE', 'HTTP/app.corp.example@CORP.EXAMPLE'],
  );
});

test('verifyApReq() says when a token is bound to its connection', () => {
  const result = verify({ request: { bindings: ourBindings }, circumstances: { certificateHash } });
  assert.ok(result.kind === 'verified' && result.client.channelBound);
});

test('verifyApReq() tells a name with a slash from a name of two components', () => {
  const client = { nameType: 1, components: ['alice/admin'] };
  const result = verify({ ticket: { part: { client }, pac: { clientName: 'alice/admin' } } });
  assert.ok(result.kind === 'verified');
  assert.equal(result.client.principal, 'alice\\/admin');
});

test('verifyApReq() asks for a reply by the GSS flag and by the option', () => {
  for (const request of [{ mutual: true }, { flags: 2 }, { options: flagsOf(ApOption.mutualRequired) }]) {
    const result = verify({ request });
    assert.ok(result.kind === 'verified' && result.mutual);
  }
  const silent = verify({});
  assert.ok(silent.kind === 'verified' && !silent.mutual);
});

test('verifyApReq() lets a claim outlive the time in which the token is good', () => {
  const result = verify({});
  assert.ok(result.kind === 'verified');
  assert.ok(result.replay.expiresAt >= now + 2 * 5 * minute);
});

test('verifyApReq() gives one replay key to a ticket under another service name of the same account', () => {
  const twoNames = createAccount({ names: ['HTTP/app.corp.example', 'HTTP/app'] });
  const issued = issueTicket(twoNames, now);
  const policy = acceptPolicy({ keytab: keytabOf(twoNames) });
  const { message } = makeRequest(issued, now);
  const request = readApReq(message);
  const renamed = encodeApReq({ ...request, ticket: { ...request.ticket, service: principal('HTTP/app') } });
  const first = verifyApReq(message, policy, { now });
  const other = verifyApReq(renamed, policy, { now });
  assert.ok(first.kind === 'verified' && other.kind === 'verified');
  assert.notEqual(first.client.service, other.client.service);
  assert.equal(first.replay.key, other.replay.key);
});

const texts: readonly (readonly [string, RegExp, Situation])[] = [
  [
    'the key version',
    /the keytab has kvno 2 .* the ticket was encrypted with kvno 3: export the keytab again/i,
    {
      ticket: { kvno: 3 },
    },
  ],
  [
    'the service',
    /is for "HTTP\/other@CORP\.EXAMPLE"; accepted are "HTTP\/app\.corp\.example@CORP\.EXAMPLE"/,
    {
      ticket: clear('HTTP/other'),
    },
  ],
  [
    'what to set for RC4',
    /msDS-SupportedEncryptionTypes to 24 .*reset its password and export the keytab again/,
    {
      ticket: { etype: 23 },
    },
  ],
  [
    'how far the clock is off',
    /clock is 10 minutes behind this server's, 5 minutes are allowed/,
    {
      circumstances: { now: now + 10 * minute },
    },
  ],
  [
    'the realms that are allowed',
    /realm "CORP\.EXAMPLE"; allowed are "OTHER\.EXAMPLE"/,
    {
      policy: { clientRealms: ['OTHER.EXAMPLE'] },
    },
  ],
  [
    'both names',
    /is for "alice@CORP\.EXAMPLE" and was sent by "mallory@CORP\.EXAMPLE"/,
    {
      request: { part: { client: principal('mallory', 1) } },
    },
  ],
];
for (const [what, pattern, situation] of texts)
  test(`verifyApReq() names ${what} in its refusal`, () => {
    const result = verify(situation);
    assert.ok(result.kind === 'refused');
    assert.match(result.failure.message, pattern);
  });

test('verifyApReq() names the encryption types that the keytab has', () => {
  const aes128 = createAccount({ etypes: [Etype.aes128CtsHmacSha196] });
  const { message } = makeRequest(issueTicket(account, now), now);
  const result = verifyApReq(message, acceptPolicy({ keytab: keytabOf(aes128) }), { now });
  assert.ok(result.kind === 'refused');
  assert.equal(result.failure.code, 'encryption-type');
  assert.match(result.failure.message, /aes256-cts-hmac-sha1-96; the keytab has aes128-cts-hmac-sha1-96/);
});

test('verifyApReq() refuses a service that is in the keytab and not among those chosen', () => {
  const both = keytabOf(account, createAccount({ names: ['HTTP/web.corp.example'] }));
  assert.equal(outcome({ policy: { keytab: both, services: ['HTTP/web.corp.example'] } }), 'wrong-service');
});

test('verifyApReq() refuses bytes that are no AP-REQ, and gives no ticket', () => {
  const result = verifyApReq(Uint8Array.of(0x6e, 0), acceptPolicy({ keytab }), { now });
  assert.ok(result.kind === 'refused');
  assert.deepEqual([result.failure.code, result.ticket], ['token-malformed', undefined]);
});
