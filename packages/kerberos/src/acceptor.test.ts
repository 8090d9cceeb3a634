import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkApRep,
  createAccount,
  issueTicket,
  keytabOf,
  makeRequest,
  makeToken,
  principal,
  readErrorToken,
  spnego,
  windowsMechs,
} from '../test/initiator.ts';
import type { AcceptResult } from './accept-result.ts';
import { type AcceptorOptions, createAcceptor } from './acceptor.ts';
import { encodeKrb5Token, TokId } from './gss.ts';
import { KrbError, MechOid } from './numbers.ts';
import { MemoryReplayCache } from './replay-cache.ts';
import { encodeNegTokenInit, readNegTokenResp } from './spnego.ts';

const now = Date.UTC(2026, 10, 22, 12, 0, 0, 250);
const account = createAccount({ etypes: [17, 18, 19, 20, 23] });

const acceptor = (options: Partial<AcceptorOptions> = {}) =>
  createAcceptor({ keytab: keytabOf(account), replayCache: new MemoryReplayCache({ now: () => now }), ...options });
const accept = (token: Uint8Array, options: Partial<AcceptorOptions> = {}, at = now) =>
  acceptor(options).accept(token, { now: at });

const code = (result: AcceptResult): string => (result.kind === 'failed' ? result.failure.code : result.kind);

function replyOf(result: AcceptResult): Uint8Array {
  assert.ok(result.reply !== undefined, code(result));
  return result.reply;
}

test('accept() signs alice on with what curl sends', async () => {
  const result = await accept(makeToken(account, now));
  assert.ok(result.kind === 'accepted');
  assert.equal(result.client.principal, 'alice');
  assert.deepEqual(readNegTokenResp(replyOf(result)), { negState: 'accept-completed', supportedMech: MechOid.krb5 });
});

test('accept() names the mechanism as Windows spells it', async () => {
  const reply = replyOf(await accept(makeToken(account, now, { mechTypes: windowsMechs })));
  assert.equal(readNegTokenResp(reply).supportedMech, MechOid.msKrb5);
});

for (const etype of [17, 18, 19, 20, 23])
  test(`accept() proves itself to a client that asks for it, with encryption type ${etype}`, async () => {
    const sent = makeRequest(issueTicket(account, now, { etype }), now, { mutual: true });
    const result = await accept(spnego(sent), { dangerouslyAllowRc4: true });
    const { responseToken } = readNegTokenResp(replyOf(result));
    assert.ok(responseToken !== undefined);
    const { part } = checkApRep(responseToken, sent);
    assert.equal(part.subkey?.etype, etype === 23 ? undefined : etype);
    assert.notEqual(part.sequenceNumber, undefined);
  });

test('accept() answers a raw Kerberos token with a raw one', async () => {
  const sent = makeRequest(issueTicket(account, now), now, { mutual: true });
  const result = await accept(sent.token);
  assert.equal(result.kind, 'accepted');
  checkApRep(replyOf(result), sent);
});

test('accept() answers a raw Kerberos token without mutual authentication with nothing', async () => {
  const result = await accept(makeRequest(issueTicket(account, now), now).token);
  assert.deepEqual([result.kind, result.reply], ['accepted', undefined]);
});

test('accept() takes a raw token under the OID of Windows 2000', async () => {
  const { token } = makeRequest(issueTicket(account, now), now, { mech: MechOid.msKrb5 });
  assert.equal((await accept(token)).kind, 'accepted');
});

test('accept() refuses a token that it accepted before', async () => {
  const token = makeToken(account, now);
  const once = acceptor();
  assert.equal((await once.accept(token, { now })).kind, 'accepted');
  assert.equal(code(await once.accept(token, { now: now + 1000 })), 'replay');
});

test('accept() refuses the Kerberos token of an accepted SPNEGO token', async () => {
  const sent = makeRequest(issueTicket(account, now), now);
  const once = acceptor();
  assert.equal((await once.accept(spnego(sent), { now })).kind, 'accepted');
  assert.equal(code(await once.accept(sent.token, { now })), 'replay');
});

test('accept() lets one of 50 copies in that arrive together', async () => {
  const token = makeToken(account, now);
  const cache = new MemoryReplayCache({ now: () => now });
  const replayCache = {
    async claim(key: string, expiresAt: number): Promise<boolean> {
      await new Promise((resolve) => setImmediate(resolve));
      return cache.claim(key, expiresAt);
    },
  };
  const many = acceptor({ replayCache });
  const results = await Promise.all(Array.from({ length: 50 }, () => many.accept(token, { now })));
  const codes = results.map(code);
  assert.equal(codes.filter((c) => c === 'accepted').length, 1);
  assert.equal(codes.filter((c) => c === 'replay').length, 49);
});

test('accept() lets 50 different tokens of one ticket in', async () => {
  const ticket = issueTicket(account, now);
  const many = acceptor();
  const tokens = Array.from({ length: 50 }, () => spnego(makeRequest(ticket, now)));
  const results = await Promise.all(tokens.map((token) => many.accept(token, { now })));
  assert.ok(results.every((result) => result.kind === 'accepted'));
});

test('accept() does not hold a token for used that it refused for its clock', async () => {
  const token = makeToken(account, now);
  const once = acceptor();
  assert.equal(code(await once.accept(token, { now: now - 600_000 })), 'clock-skew');
  assert.equal((await once.accept(token, { now })).kind, 'accepted');
});

test('accept() throws when the replay cache does', async () => {
  const replayCache = { claim: () => Promise.reject(new Error('store is down')) };
  await assert.rejects(accept(makeToken(account, now), { replayCache }), /store is down/);
});

test('accept() claims nothing for a refused token', async () => {
  const replayCache = { claim: () => assert.fail('claimed') };
  const token = makeToken(account, now, { ticket: { pac: { clientName: 'mallory' } } });
  assert.equal(code(await accept(token, { replayCache })), 'pac-invalid');
});

const errors = [
  ['a wrong clock', KrbError.KRB_AP_ERR_SKEW, now + 600_000, {}],
  ['an ended ticket', KrbError.KRB_AP_ERR_TKT_EXPIRED, now, { ticket: { part: { endTime: now - 3_600_000 } } }],
  ['a missing key version', KrbError.KRB_AP_ERR_BADKEYVER, now, { ticket: { kvno: 9 } }],
  [
    'another service',
    KrbError.KRB_AP_ERR_NOT_US,
    now,
    {
      ticket: { clear: { service: principal('HTTP/other'), realm: account.realm } },
    },
  ],
  ['an altered ticket', KrbError.KRB_AP_ERR_MODIFIED, now, { ticket: { key: createAccount().key(18) } }],
] as const;
for (const [what, errorCode, at, bend] of errors)
  test(`accept() tells the client of ${what} by a KRB-ERROR with our time`, async () => {
    const result = await accept(makeToken(account, now, bend), {}, at);
    const { negState, responseToken } = readNegTokenResp(replyOf(result));
    assert.equal(negState, 'reject');
    const error = readErrorToken(responseToken ?? new Uint8Array());
    assert.equal(error.errorCode, errorCode);
    assert.equal(error.stime + error.susec / 1000, at);
  });

test('accept() answers a raw token with a raw KRB-ERROR', async () => {
  const { token } = makeRequest(issueTicket(account, now), now);
  assert.equal(readErrorToken(replyOf(await accept(token, {}, now + 600_000))).errorCode, KrbError.KRB_AP_ERR_SKEW);
});

test('accept() tells the client nothing of why its PAC was refused', async () => {
  const result = await accept(makeToken(account, now, { ticket: { pac: { clientName: 'mallory' } } }));
  assert.deepEqual(readNegTokenResp(replyOf(result)), { negState: 'reject', supportedMech: MechOid.krb5 });
});

const goodMessage = makeRequest(issueTicket(account, now), now).message;
const ntlm = Buffer.from('NTLMSSP\0\x01\0\0\0', 'latin1');
const refusals = [
  ['nothing', new Uint8Array(), 'token-malformed'],
  ['a raw NTLM token', ntlm, 'ntlm-offered'],
  ['NTLM in SPNEGO', encodeNegTokenInit({ mechTypes: [MechOid.ntlmssp], mechToken: ntlm }), 'ntlm-offered'],
  ['NEGOEX and NTLM', encodeNegTokenInit({ mechTypes: [MechOid.negoex, MechOid.ntlmssp] }), 'ntlm-offered'],
  ['NEGOEX only', encodeNegTokenInit({ mechTypes: [MechOid.negoex] }), 'mechanism-unsupported'],
  ['a mechanism of its own', encodeNegTokenInit({ mechTypes: ['1.2.3'] }), 'mechanism-unsupported'],
  ['more than 64 KiB', new Uint8Array(65_537), 'token-malformed'],
  ['an AP-REQ that calls itself an AP-REP', encodeKrb5Token(TokId.apRep, goodMessage), 'token-malformed'],
  ['an AP-REQ without contents', encodeKrb5Token(TokId.apReq, new Uint8Array()), 'token-malformed'],
] as const;
for (const [what, token, expected] of refusals)
  test(`accept() refuses ${what}`, async () => assert.equal(code(await accept(token)), expected));

test('accept() rejects in SPNEGO what came in SPNEGO', async () => {
  const reply = replyOf(await accept(encodeNegTokenInit({ mechTypes: [MechOid.ntlmssp], mechToken: ntlm })));
  assert.deepEqual(readNegTokenResp(reply), { negState: 'reject' });
});

test('accept() takes a ticket with a PAC of 1,000 groups', async () => {
  const groups = Array.from({ length: 1_000 }, (_, i) => ({ rid: 2_000 + i }));
  const logon = { accountName: 'alice', domainName: 'CORP', domainSid: 'S-1-5-21-1-2-3', userId: 1104, groups };
  const pac = { logon, upnDns: { upn: 'alice@corp.example', dnsDomain: 'CORP.EXAMPLE' } };
  const result = await accept(makeToken(account, now, { ticket: { pac } }));
  assert.ok(result.kind === 'accepted');
  assert.equal(result.client.pac?.logon?.groupSids.length, 1_001);
});

test('accept() keeps a name that is not ASCII', async () => {
  const result = await accept(makeToken(account, now, { ticket: { client: 'jürgen.łuk' } }));
  assert.ok(result.kind === 'accepted');
  assert.equal(result.client.principal, 'jürgen.łuk');
});

test('createAcceptor() refuses a service that the keytab lacks', () => {
  assert.throws(() => acceptor({ services: ['HTTP/other'] }), RangeError);
});
