import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  acceptorMicIsGood,
  checkApRep,
  clientMic,
  createAccount,
  issueTicket,
  keytabOf,
  makeRequest,
  type RequestBend,
  spnego,
  type TicketBend,
} from '../test/initiator.ts';
import type { AcceptResult } from './accept-result.ts';
import { createAcceptor } from './acceptor.ts';
import { MechOid } from './numbers.ts';
import { MemoryReplayCache } from './replay-cache.ts';
import { encodeMechTypeList, encodeNegTokenInit, encodeNegTokenResp, readNegTokenResp } from './spnego.ts';

const now = Date.UTC(2026, 10, 22, 12, 0, 0, 250);
const account = createAccount({ etypes: [18, 23] });
const { krb5, msKrb5, ntlmssp, negoex } = MechOid;

const newAcceptor = () =>
  createAcceptor({
    keytab: keytabOf(account),
    replayCache: new MemoryReplayCache({ now: () => now }),
    dangerouslyAllowRc4: true,
  });
const code = (result: AcceptResult): string => (result.kind === 'failed' ? result.failure.code : result.kind);
const request = (bend: RequestBend = {}, ticket: TicketBend = {}) =>
  makeRequest(issueTicket(account, now, ticket), now, bend);

function readReply(result: AcceptResult) {
  assert.ok(result.reply !== undefined, code(result));
  return readNegTokenResp(result.reply);
}

/** The state and reply of a negotiation that goes on. */
function going(result: AcceptResult) {
  assert.ok(result.kind === 'continue', code(result));
  return { state: result.state, ...readNegTokenResp(result.reply) };
}

/** NEGOEX first, Kerberos later: Kerberos is chosen, and MICs are required. */
const notFirst = [negoex, krb5, ntlmssp];
const notFirstDer = encodeMechTypeList(notFirst);
const startNotFirst = (acceptor = newAcceptor()) =>
  acceptor.accept(encodeNegTokenInit({ mechTypes: notFirst, mechToken: Buffer.from('NEGOEXTS') }), { now });

test('accept() chooses Kerberos from the middle of the list and asks for a MIC (RFC 4178, 4.2.2)', async () => {
  const { negState, supportedMech, responseToken } = going(await startNotFirst());
  assert.deepEqual([negState, supportedMech, responseToken], ['request-mic', krb5, undefined]);
});

test('accept() chooses Kerberos where it comes first without a token, and asks for none', async () => {
  const { negState, supportedMech } = going(
    await newAcceptor().accept(encodeNegTokenInit({ mechTypes: [msKrb5] }), { now }),
  );
  assert.deepEqual([negState, supportedMech], ['accept-incomplete', msKrb5]);
});

test('accept() completes in the second leg when Kerberos came first', async () => {
  const acceptor = newAcceptor();
  const { state } = going(await acceptor.accept(encodeNegTokenInit({ mechTypes: [krb5] }), { now }));
  const result = await acceptor.accept(encodeNegTokenResp({ responseToken: request().token }), { now, state });
  assert.equal(code(result), 'accepted');
  assert.deepEqual(readReply(result), { negState: 'accept-completed' });
});

test('accept() completes in the second leg with the MIC that it asked for, and gives its own', async () => {
  const acceptor = newAcceptor();
  const { state } = going(await startNotFirst(acceptor));
  const sent = request();
  const leg = encodeNegTokenResp({ responseToken: sent.token, mechListMIC: clientMic(sent, notFirstDer) });
  const result = await acceptor.accept(leg, { now, state });
  assert.equal(code(result), 'accepted');
  const { negState, mechListMIC } = readReply(result);
  assert.equal(negState, 'accept-completed');
  assert.ok(mechListMIC && acceptorMicIsGood(mechListMIC, sent, notFirstDer));
});

test('accept() keeps nothing of a token while it waits for the next leg', async () => {
  const acceptor = newAcceptor();
  const first = Buffer.from(encodeNegTokenInit({ mechTypes: notFirst, mechToken: Buffer.alloc(40_000) }));
  const { state } = going(await acceptor.accept(first, { now }));
  first.fill(0); // whatever the state still sees of it, is gone
  const sent = request();
  const leg = encodeNegTokenResp({ responseToken: sent.token, mechListMIC: clientMic(sent, notFirstDer) });
  assert.equal(code(await acceptor.accept(leg, { now, state })), 'accepted');
});

test('accept() refuses the second leg without the MIC that it asked for', async () => {
  const acceptor = newAcceptor();
  const { state } = going(await startNotFirst(acceptor));
  const result = await acceptor.accept(encodeNegTokenResp({ responseToken: request().token }), { now, state });
  assert.equal(code(result), 'mech-list-mic');
});

/** The second leg with mutual authentication, which needs a third for the client's MIC. */
async function untilApRep(acceptor = newAcceptor()) {
  const { state } = going(await startNotFirst(acceptor));
  const sent = request({ mutual: true });
  const second = await acceptor.accept(encodeNegTokenResp({ responseToken: sent.token }), { now, state });
  const { responseToken = new Uint8Array(), mechListMIC, negState, state: next } = going(second);
  return { acceptor, sent, context: checkApRep(responseToken, sent), mechListMIC, negState, state: next };
}

test('accept() sends AP-REP and MIC together and waits for the client’s (RFC 4178, 5 b)', async () => {
  const { sent, context, mechListMIC, negState } = await untilApRep();
  assert.equal(negState, 'accept-incomplete');
  assert.ok(mechListMIC && acceptorMicIsGood(mechListMIC, sent, notFirstDer, context));
});

test('accept() signs on in the third leg with the client’s MIC', async () => {
  const { acceptor, sent, context, state } = await untilApRep();
  const leg = encodeNegTokenResp({ negState: 'accept-completed', mechListMIC: clientMic(sent, notFirstDer, context) });
  const result = await acceptor.accept(leg, { now, state });
  assert.ok(result.kind === 'accepted');
  assert.deepEqual([result.client.principal, result.reply], ['alice', undefined]);
});

test('accept() goes on with a negotiation once', async () => {
  const { acceptor, sent, context, state } = await untilApRep();
  const leg = encodeNegTokenResp({ mechListMIC: clientMic(sent, notFirstDer, context) });
  assert.equal(code(await acceptor.accept(leg, { now, state })), 'accepted');
  assert.equal(code(await acceptor.accept(leg, { now, state })), 'token-malformed');
});

const badThirdLegs = [
  ['without a MIC', () => ({})],
  [
    'with a MIC under the key before the AP-REP',
    ({ sent }: Pending) => ({ mechListMIC: clientMic(sent, notFirstDer) }),
  ],
  [
    'with a MIC over another list',
    ({ sent, context }: Pending) => ({
      mechListMIC: clientMic(sent, encodeMechTypeList([krb5]), context),
    }),
  ],
  ['with our own MIC sent back', ({ mechListMIC }: Pending) => ({ mechListMIC: mechListMIC ?? new Uint8Array() })],
] as const;
type Pending = Awaited<ReturnType<typeof untilApRep>>;
for (const [what, fields] of badThirdLegs)
  test(`accept() refuses a third leg ${what}`, async () => {
    const pending = await untilApRep();
    const result = await pending.acceptor.accept(encodeNegTokenResp(fields(pending)), { now, state: pending.state });
    assert.equal(code(result), 'mech-list-mic');
    assert.equal(readReply(result).negState, 'reject');
  });

test('accept() refuses a third leg that comes too late', async () => {
  const { acceptor, sent, context, state } = await untilApRep();
  const leg = encodeNegTokenResp({ mechListMIC: clientMic(sent, notFirstDer, context) });
  assert.equal(code(await acceptor.accept(leg, { now: now + 300_001, state })), 'mech-list-mic');
});

test('accept() refuses an altered list: a good MIC over the client’s own', async () => {
  const acceptor = newAcceptor();
  const { state } = going(await acceptor.accept(encodeNegTokenInit({ mechTypes: [ntlmssp, krb5] }), { now }));
  const sent = request();
  const leg = encodeNegTokenResp({ responseToken: sent.token, mechListMIC: clientMic(sent, notFirstDer) });
  assert.equal(code(await acceptor.accept(leg, { now, state })), 'mech-list-mic');
});

test('accept() verifies a MIC that nobody asked for, and answers it', async () => {
  const sent = request();
  const der = encodeMechTypeList([krb5, ntlmssp]);
  const good = spnego(sent, [krb5, ntlmssp], { mechListMIC: clientMic(sent, der) });
  const { mechListMIC } = readReply(await newAcceptor().accept(good, { now }));
  assert.ok(mechListMIC && acceptorMicIsGood(mechListMIC, sent, der));

  const bad = spnego(sent, [krb5], { mechListMIC: clientMic(sent, der) });
  assert.equal(code(await newAcceptor().accept(bad, { now })), 'mech-list-mic');
});

test('accept() does not count a token as used that came with a bad MIC', async () => {
  const acceptor = newAcceptor();
  const sent = request();
  assert.equal(
    code(await acceptor.accept(spnego(sent, [krb5], { mechListMIC: Buffer.alloc(28) }), { now })),
    'mech-list-mic',
  );
  assert.equal(code(await acceptor.accept(spnego(sent), { now })), 'accepted');
});

test('accept() asks for no MIC when one OID of Kerberos comes before the other', async () => {
  const sent = request({ mutual: true });
  const reply = readReply(await newAcceptor().accept(spnego(sent, [msKrb5, krb5, ntlmssp]), { now }));
  assert.deepEqual([reply.negState, reply.mechListMIC], ['accept-completed', undefined]);
});

test('accept() refuses a required MIC with an RC4 key, whose tokens it does not speak', async () => {
  const acceptor = newAcceptor();
  const { state } = going(await startNotFirst(acceptor));
  const sent = request({ mutual: true }, { etype: 23 });
  assert.equal(
    code(await acceptor.accept(encodeNegTokenResp({ responseToken: sent.token }), { now, state })),
    'mech-list-mic',
  );
});

test('accept() refuses a later leg that nothing waits for', async () => {
  const leg = encodeNegTokenResp({ responseToken: request().token });
  for (const state of [undefined, {}, { resume: () => assert.fail('called') }])
    assert.equal(code(await newAcceptor().accept(leg, { now, ...(state && { state }) })), 'token-malformed');
});

test('accept() begins anew when the client does, whatever was left waiting', async () => {
  const acceptor = newAcceptor();
  const { state } = going(await startNotFirst(acceptor));
  assert.equal(code(await acceptor.accept(spnego(request()), { now, state })), 'accepted');
});

const badSecondLegs = [
  ['without a token', {}, 'mechanism-unsupported'],
  ['that rejects', { negState: 'reject', responseToken: Uint8Array.of(1) }, 'mechanism-unsupported'],
  ['with NTLM', { responseToken: Buffer.from('NTLMSSP\0\x01\0\0\0', 'latin1') }, 'ntlm-offered'],
  ['with something else', { responseToken: Uint8Array.of(1) }, 'token-malformed'],
  ['with SPNEGO once more', { responseToken: encodeNegTokenInit({ mechTypes: [krb5] }) }, 'mechanism-unsupported'],
] as const;
for (const [what, fields, expected] of badSecondLegs)
  test(`accept() refuses a second leg ${what}`, async () => {
    const acceptor = newAcceptor();
    const { state } = going(await startNotFirst(acceptor));
    const result = await acceptor.accept(encodeNegTokenResp(fields), { now, state });
    assert.equal(code(result), expected);
    assert.equal(readReply(result).negState, 'reject');
  });

test('accept() refuses a replay in the second leg', async () => {
  const acceptor = newAcceptor();
  const sent = request();
  assert.equal(code(await acceptor.accept(spnego(sent), { now })), 'accepted');
  const { state } = going(await startNotFirst(acceptor));
  const leg = encodeNegTokenResp({ responseToken: sent.token, mechListMIC: clientMic(sent, notFirstDer) });
  assert.equal(code(await acceptor.accept(leg, { now, state })), 'replay');
});
