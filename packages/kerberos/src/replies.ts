/**
 * What goes back to the client: AP-REP (RFC 4120, 3.2.4) and KRB-ERROR (RFC 4120, 3.1.6 and 5.9.1), as GSS tokens
 * (RFC 4121, 4.1).
 *
 * @module
 */

import { randomInt } from 'node:crypto';
import type { VerifiedApReq } from './accept-ap-req.ts';
import { generateKey, importKey, type Key } from './etypes.ts';
import type { FailureCode } from './failure.ts';
import { encodeKrb5Token, TokId } from './gss.ts';
import { encodeApRep, encodeEncApRepPart } from './messages/ap-rep.ts';
import { encodeKrbError } from './messages/krb-error.ts';
import type { Ticket } from './messages/ticket.ts';
import { Etype, KeyUsage, KrbError } from './numbers.ts';

/** The established context, as far as a MIC needs it. */
export interface GssContext {
  readonly key: Key;
  readonly acceptorSubkey: boolean;
  /** The number of our first MIC. */
  readonly sequence: number;
}

/** The context without mutual authentication: the client's key, and its number, since we never sent one of ours. */
export const contextWithoutReply = (verified: VerifiedApReq): GssContext => ({
  key: verified.initiatorKey,
  acceptorSubkey: false,
  sequence: verified.initiatorSequence,
});

/**
 * The AP-REP that proves who we are, and the context that it establishes. The acceptor contributes a sub-key, as MIT
 * does for every encryption type but RC4, whose per-message tokens know none.
 */
export function apRepToken(verified: VerifiedApReq): { readonly token: Uint8Array; readonly context: GssContext } {
  const { sessionKey, initiatorKey, ctime, cusec } = verified;
  const etype = initiatorKey.etype;
  const subkey = etype === Etype.rc4Hmac ? undefined : { etype, value: generateKey(etype) };
  const sequenceNumber = randomInt(0x40000000);
  const part = encodeEncApRepPart({ ctime, cusec, subkey, sequenceNumber });
  const cipher = sessionKey.encrypt(KeyUsage.apRepEncPart, part);
  return {
    token: encodeKrb5Token(TokId.apRep, encodeApRep({ etype: sessionKey.etype, cipher })),
    context: {
      key: subkey === undefined ? initiatorKey : importKey(subkey.etype, subkey.value),
      acceptorSubkey: subkey !== undefined,
      sequence: sequenceNumber,
    },
  };
}

/**
 * The error codes that a client can do something about: set its clock, fetch a new ticket. Windows drops a cached
 * ticket on MODIFIED, which is what helps after a service account's password was changed. For everything else the
 * client learns no more than that it was refused.
 */
const errorCodes: Partial<Record<FailureCode, number>> = {
  'clock-skew': KrbError.KRB_AP_ERR_SKEW,
  'ticket-expired': KrbError.KRB_AP_ERR_TKT_EXPIRED,
  'ticket-not-yet-valid': KrbError.KRB_AP_ERR_TKT_NYV,
  'wrong-service': KrbError.KRB_AP_ERR_NOT_US,
  'key-version': KrbError.KRB_AP_ERR_BADKEYVER,
  'encryption-type': KrbError.KRB_AP_ERR_NOKEY,
  'rc4-refused': KrbError.KRB_AP_ERR_NOKEY,
  integrity: KrbError.KRB_AP_ERR_MODIFIED,
  replay: KrbError.KRB_AP_ERR_REPEAT,
};

/** A KRB-ERROR with our time, or `undefined` where none helps or the ticket could not be read. */
export function krbErrorToken(code: FailureCode, ticket: Ticket | undefined, now: number): Uint8Array | undefined {
  const errorCode = errorCodes[code];
  if (errorCode === undefined || ticket === undefined) return undefined;
  const stime = Math.floor(now / 1000) * 1000;
  const susec = Math.floor((now - stime) * 1000);
  const message = encodeKrbError({ stime, susec, errorCode, realm: ticket.realm, service: ticket.service });
  return encodeKrb5Token(TokId.krbError, message);
}
