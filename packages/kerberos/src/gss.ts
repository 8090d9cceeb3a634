/**
 * The framing that GSS-API puts around a mechanism's tokens (RFC 2743, 3.1), and around
 * Kerberos messages within it (RFC 4121, 4.1).
 *
 * @module
 */
import { application, DerError, DerReader, encodeTlv, Tag } from './der.ts';
import type { FailureCode } from './failure.ts';
import { MechOid } from './numbers.ts';
import { decodeOid, encodeOid } from './oid.ts';

/** A token that breaks a rule beyond DER's own. `code` is the failure to report for it. */
export class GssError extends Error {
  override readonly name = 'GssError';
  readonly code: Extract<FailureCode, 'token-malformed' | 'mechanism-unsupported' | 'gss-checksum'>;

  constructor(message: string, code: GssError['code'] = 'token-malformed') {
    super(`Cannot read GSS token: ${message}`);
    this.code = code;
  }
}

/** What an initial token's frame holds (RFC 2743, 3.1): the mechanism, and its own bytes, a view. */
export interface InitialContextToken {
  readonly mech: string;
  readonly inner: Uint8Array;
}

/** Opens `[APPLICATION 0] { thisMech, innerToken }`. Throws `DerError`. */
export function readInitialContextToken(bytes: Uint8Array): InitialContextToken {
  return DerReader.decode(bytes, (der) =>
    der.enter(application(0), (frame) => ({ mech: decodeOid(frame.contents(Tag.oid)), inner: frame.rest() })),
  );
}

const knownMechs: ReadonlyMap<string, Uint8Array> = new Map(
  Object.values(MechOid).map((mech) => [mech, encodeOid(mech)]),
);

/** `encodeOid` for a mechanism. Those that every answer names were encoded beforehand: only to be copied. */
export const encodeMech = (mech: string): Uint8Array => knownMechs.get(mech) ?? encodeOid(mech);

/** The inverse of `readInitialContextToken`. */
export const encodeInitialContextToken = (mech: string, inner: Uint8Array): Uint8Array =>
  encodeTlv(application(0), encodeTlv(Tag.oid, encodeMech(mech)), inner);

/** TOK_ID of the context establishment tokens (RFC 4121, 4.1). */
export const TokId = { apReq: 0x0100, apRep: 0x0200, krbError: 0x0300 } as const;

/** A Kerberos message in its GSS frame. `message` is a view and has not been looked at. */
export interface Krb5Token {
  readonly tokId: number;
  readonly message: Uint8Array;
  readonly mech: string;
}

/**
 * Whether this is Kerberos 5 by its own OID or by the one that Windows 2000 got wrong and that
 * Windows still sends first (RFC 4178, appendix C). Both name the same mechanism.
 */
export const isKrb5Mech = (mech: string): boolean => mech === MechOid.krb5 || mech === MechOid.msKrb5;

/** Opens the frame of a Kerberos token (RFC 4121, 4.1). Throws `DerError` or `GssError`. */
export function readKrb5Token(bytes: Uint8Array): Krb5Token {
  const { mech, inner } = readInitialContextToken(bytes);
  if (!isKrb5Mech(mech)) throw new GssError('its mechanism is not Kerberos 5', 'mechanism-unsupported');
  const [high, low] = inner;
  if (high === undefined || low === undefined) throw new DerError('no room for a token identifier', bytes.length);
  return { tokId: (high << 8) | low, message: inner.subarray(2), mech };
}

/** The inverse of `readKrb5Token`. */
export function encodeKrb5Token(tokId: number, message: Uint8Array, mech: string = MechOid.krb5): Uint8Array {
  const inner = new Uint8Array(2 + message.length);
  inner.set([tokId >> 8, tokId & 0xff]);
  inner.set(message, 2);
  return encodeInitialContextToken(mech, inner);
}
