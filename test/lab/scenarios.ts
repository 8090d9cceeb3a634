/**
 * Tokens that a real acceptor and ours are asked about, one scenario each.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { paths } from '../../lab/files.ts';
import { kinit, makeTokens, type TokenRequest } from '../../lab/tokens.ts';
import type { AcceptContext, AcceptorOptions, FailureCode } from '../../packages/kerberos/src/index.ts';
import { encodeKrb5Token, readKrb5Token } from '../../packages/kerberos/src/gss.ts';
import { encodeNegTokenInit, readInitialToken } from '../../packages/kerberos/src/spnego.ts';
import { pretendLongLife } from './expired-ticket.ts';

/** `continue`: neither accepted nor refused, the client is asked for another token. */
export type ApacheVerdict = 'accepted' | 'refused' | 'continue';
export type CardeaVerdict = 'accepted' | 'continue' | FailureCode;

/** Which Apache is asked: the usual one, one whose MIT forbids RC4, or one whose clock is eleven hours ahead. */
export type ApacheKind = 'usual' | 'without RC4' | 'eleven hours later';

export interface Scenario {
  readonly name: string;
  readonly make: () => Promise<Buffer>;
  readonly apache: ApacheVerdict;
  readonly cardea: CardeaVerdict;
  /** Required where the two differ. */
  readonly why?: string;
  /** Cardea accepts what Apache refuses. `why` must then say why that does no harm. */
  readonly laxer?: boolean;
  /** Who it is when it is accepted; alice unless said otherwise. */
  readonly client?: string;
  readonly ask?: ApacheKind;
  readonly options?: Partial<AcceptorOptions>;
  readonly context?: Pick<AcceptContext, 'certificateHash'>;
  /** The same token was accepted once before. */
  readonly replayed?: boolean;
}

/** Hours by which `eleven hours later` is later; tickets live for ten. */
export const laterSeconds = 11 * 3_600;

const krb5 = '1.2.840.113554.1.2.2';
const msKrb5 = '1.2.840.48018.1.2.2';
const ntlmssp = '1.3.6.1.4.1.311.2.2.10';
const negoex = '1.3.6.1.4.1.311.2.2.30';

const certificateHash = createHash('sha256').update('the certificate of this listener').digest();
const otherHash = createHash('sha256').update('the certificate of another listener').digest();
const endPoint = (hash: Uint8Array): Buffer => Buffer.concat([Buffer.from('tls-server-end-point:'), hash]);

/** NTLMSSP NEGOTIATE_MESSAGE (MS-NLMP 2.2.1.1), as a client without a ticket sends it. */
const ntlmNegotiate = Buffer.from(
  '4e544c4d5353500001000000978208e2000000000000000000000000000000000a00614a0000000f',
  'hex',
);

async function token(request: TokenRequest = {}): Promise<Buffer> {
  const [made] = await makeTokens(request);
  if (made === undefined) throw new Error('Cannot make a token: MIT Kerberos gave none');
  return made;
}

const make =
  (request: TokenRequest = {}) =>
  (): Promise<Buffer> =>
    token(request);

/** A good token whose mechanism list is replaced; the Kerberos token in it stays as it is unless `mechToken` is given. */
const withMechanisms = (mechTypes: readonly string[], mechToken?: Uint8Array | 'none') => async (): Promise<Buffer> => {
  const initial = readInitialToken(await token({ flags: ['mutual'] }));
  if (initial.kind !== 'spnego' || initial.mechToken === undefined) throw new Error('Cannot change the mechanism list');
  const chosen = mechToken ?? initial.mechToken;
  return Buffer.from(encodeNegTokenInit(chosen === 'none' ? { mechTypes } : { mechTypes, mechToken: chosen }));
};

const changed = (change: (good: Buffer) => Uint8Array) => async (): Promise<Buffer> =>
  Buffer.from(change(await token()));

async function underMsKrb5(): Promise<Buffer> {
  const { tokId, message } = readKrb5Token(await token({ mechanism: 'krb5', flags: ['mutual'] }));
  return Buffer.from(encodeKrb5Token(tokId, message, msKrb5));
}

async function withRc4SessionKey(): Promise<Buffer> {
  return token({ host: 'mixed.corp.example', krb5Conf: paths.krb5ConfRc4 });
}

async function withExpiredTicket(): Promise<Buffer> {
  const ccache = await kinit('alice');
  await token({ ccache });
  pretendLongLife(ccache, Math.floor(Date.now() / 1000));
  return token({ ccache, skewSeconds: laterSeconds });
}

const rc4Reason =
  'RC4 is broken: MIT 1.20 still accepts it by default, Cardea only with `dangerouslyAllowRc4`, and says what to change in AD';
const bindingReason = 'mod_auth_gssapi does not look at channel bindings';

/** In the order of the page. */
// biome-ignore format: a table, one line each
export const scenarios: readonly Scenario[] = [
  { name: 'good: alice, AES256, as Chromium sends it (no mutual authentication)', make: make(), apache: 'accepted', cardea: 'accepted' },
  { name: 'good: with mutual authentication, as curl sends it', make: make({ flags: ['mutual'] }), apache: 'accepted', cardea: 'accepted' },
  { name: 'good: with delegated credentials', make: make({ flags: ['mutual', 'delegate'] }), apache: 'accepted', cardea: 'accepted', why: 'the credentials are checked for their bounds and dropped' },
  { name: 'good: raw Kerberos, without SPNEGO', make: make({ mechanism: 'krb5', flags: ['mutual'] }), apache: 'accepted', cardea: 'accepted' },
  { name: 'good: a user in 400 groups', make: make({ user: 'biguser' }), apache: 'accepted', cardea: 'accepted', client: 'biguser' },
  { name: 'good: a user whose name is not ASCII', make: make({ user: 'jürgen' }), apache: 'accepted', cardea: 'accepted', client: 'jürgen' },
  { name: 'good: second service name of the account', make: make({ host: 'desk.corp.example' }), apache: 'accepted', cardea: 'accepted' },
  { name: 'good: AES128 only service', make: make({ host: 'aes128.corp.example' }), apache: 'accepted', cardea: 'accepted' },
  { name: 'good: password changed, keytab holds the old and the new key', make: make({ host: 'rolled.corp.example' }), apache: 'accepted', cardea: 'accepted' },
  { name: 'good: client 4 minutes ahead', make: make({ skewSeconds: 240 }), apache: 'accepted', cardea: 'accepted' },
  { name: 'good: client 4 minutes behind', make: make({ skewSeconds: -240 }), apache: 'accepted', cardea: 'accepted' },

  { name: 'replayed', make: make(), apache: 'refused', cardea: 'replay', replayed: true },
  { name: 'skewed: client 10 minutes ahead', make: make({ skewSeconds: 600 }), apache: 'refused', cardea: 'clock-skew' },
  { name: 'skewed: client 10 minutes behind', make: make({ skewSeconds: -600 }), apache: 'refused', cardea: 'clock-skew' },
  { name: 'expired: fresh authenticator, ticket ended an hour ago', make: withExpiredTicket, apache: 'refused', cardea: 'ticket-expired', ask: 'eleven hours later' },
  { name: 'kept: token and ticket eleven hours old', make: make(), apache: 'refused', cardea: 'ticket-expired', ask: 'eleven hours later' },
  { name: 'wrong service: ticket for a service that is not in the keytab', make: make({ host: 'other.corp.example' }), apache: 'refused', cardea: 'wrong-service' },
  { name: 'wrong service: in the keytab, but not among the configured services', make: make({ host: 'desk.corp.example' }), apache: 'accepted', cardea: 'wrong-service', options: { services: ['HTTP/app.corp.example'] }, why: 'mod_auth_gssapi was not told which names are its own' },
  { name: 'wrong key: password changed after the keytab was exported', make: make({ host: 'stale.corp.example' }), apache: 'refused', cardea: 'key-version' },

  { name: 'RC4 only service', make: make({ host: 'rc4.corp.example' }), apache: 'accepted', cardea: 'rc4-refused', why: rc4Reason },
  { name: 'RC4 only service, RC4 forbidden in both', make: make({ host: 'rc4.corp.example' }), apache: 'refused', cardea: 'rc4-refused', ask: 'without RC4' },
  { name: 'RC4 only service, RC4 allowed in both', make: make({ host: 'rc4.corp.example' }), apache: 'accepted', cardea: 'accepted', options: { dangerouslyAllowRc4: true } },
  { name: 'AES256 ticket with an RC4 session key', make: withRc4SessionKey, apache: 'accepted', cardea: 'rc4-refused', why: rc4Reason },
  { name: 'AES256 ticket with an RC4 session key, forbidden in both', make: withRc4SessionKey, apache: 'refused', cardea: 'rc4-refused', ask: 'without RC4' },
  { name: 'AES256 ticket with an RC4 session key, allowed in both', make: withRc4SessionKey, apache: 'accepted', cardea: 'accepted', options: { dangerouslyAllowRc4: true } },

  { name: 'mechanisms: MS-KRB5 alone', make: withMechanisms([msKrb5]), apache: 'accepted', cardea: 'accepted' },
  { name: 'mechanisms: MS-KRB5, krb5, NEGOEX, NTLMSSP, as Windows lists them', make: withMechanisms([msKrb5, krb5, negoex, ntlmssp]), apache: 'accepted', cardea: 'accepted' },
  { name: 'mechanisms: krb5, NTLMSSP', make: withMechanisms([krb5, ntlmssp]), apache: 'accepted', cardea: 'accepted' },
  { name: 'mechanisms: MS-KRB5 in the frame of the Kerberos token, without SPNEGO', make: underMsKrb5, apache: 'refused', cardea: 'accepted', laxer: true, why: '**laxer**: another name of the same mechanism, in use at Windows. MIT has no credentials under that name; the token inside is checked alike' },
  { name: 'mechanisms: NEGOEX first, then krb5', make: withMechanisms([negoex, krb5], Buffer.from('NEGOEXTS')), apache: 'continue', cardea: 'continue' },
  { name: 'mechanisms: NTLMSSP first, then krb5', make: withMechanisms([ntlmssp, krb5], ntlmNegotiate), apache: 'continue', cardea: 'continue' },
  { name: 'mechanisms: krb5 without a token', make: withMechanisms([krb5], 'none'), apache: 'continue', cardea: 'continue' },
  { name: 'mechanisms: NTLMSSP alone', make: withMechanisms([ntlmssp], ntlmNegotiate), apache: 'refused', cardea: 'ntlm-offered' },
  { name: 'mechanisms: one that nobody knows', make: withMechanisms(['1.2.3.4'], 'none'), apache: 'refused', cardea: 'mechanism-unsupported' },
  { name: 'NTLM without SPNEGO', make: async () => ntlmNegotiate, apache: 'refused', cardea: 'ntlm-offered' },
  { name: 'DCE style', make: make({ flags: ['mutual', 'dce-style'] }), apache: 'continue', cardea: 'token-malformed', why: 'three legs and no frame around the token, for DCE RPC only; no browser asks for it' },

  { name: 'channel bindings, over plain HTTP', make: make({ channelBindings: endPoint(certificateHash) }), apache: 'accepted', cardea: 'accepted', why: 'nothing here to compare them with' },
  { name: 'channel bindings of this TLS certificate', make: make({ channelBindings: endPoint(certificateHash) }), apache: 'accepted', cardea: 'accepted', context: { certificateHash } },
  { name: 'channel bindings of another TLS certificate', make: make({ channelBindings: endPoint(otherHash) }), apache: 'accepted', cardea: 'channel-bindings', context: { certificateHash }, why: bindingReason },
  { name: 'no channel bindings, over TLS', make: make(), apache: 'accepted', cardea: 'accepted', context: { certificateHash } },
  { name: 'no channel bindings, over TLS, required', make: make(), apache: 'accepted', cardea: 'channel-bindings', context: { certificateHash }, options: { requireChannelBindings: true }, why: bindingReason },

  { name: 'malformed: not a token', make: async () => Buffer.from('not a token'), apache: 'refused', cardea: 'token-malformed' },
  { name: 'malformed: last byte missing', make: changed((good) => good.subarray(0, -1)), apache: 'refused', cardea: 'token-malformed' },
  { name: 'malformed: one byte too many', make: changed((good) => Buffer.concat([good, Buffer.of(0)])), apache: 'refused', cardea: 'token-malformed' },
  { name: 'malformed: the first half', make: changed((good) => good.subarray(0, good.length / 2)), apache: 'refused', cardea: 'token-malformed' },
];
