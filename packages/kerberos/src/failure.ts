/**
 * Why a token was not accepted: a closed set of stable codes, each with a text
 * that an administrator can act on. A failure never carries key or token material.
 *
 * @module
 */

export type FailureCode =
  /** The bytes are not a SPNEGO, Kerberos or NTLM token, or break their encoding rules. */
  | 'token-malformed'
  /** The client offered no mechanism that is spoken here. */
  | 'mechanism-unsupported'
  /** The client has no Kerberos ticket and offers NTLM. */
  | 'ntlm-offered'
  /** The MIC over the mechanism list is missing where it is required, or wrong (RFC 4178, 5). */
  | 'mech-list-mic'
  /** The ticket is for a service that is not in the keytab (KRB_AP_ERR_NOT_US). */
  | 'wrong-service'
  /** The keytab has the service, but not this key version (KRB_AP_ERR_BADKEYVER). */
  | 'key-version'
  /** The keytab has the service, but no key of the ticket's encryption type (KRB_AP_ERR_NOKEY). */
  | 'encryption-type'
  /** The ticket, or its session key, uses RC4 (etype 23) and that is not allowed. */
  | 'rc4-refused'
  /** Decryption or its integrity check failed (KRB_AP_ERR_BAD_INTEGRITY). */
  | 'integrity'
  /** The authenticator does not belong to the ticket (KRB_AP_ERR_BADMATCH). */
  | 'client-mismatch'
  /** The client's clock is too far from ours (KRB_AP_ERR_SKEW). */
  | 'clock-skew'
  /** The ticket is not valid yet (KRB_AP_ERR_TKT_NYV). */
  | 'ticket-not-yet-valid'
  /** The ticket has expired (KRB_AP_ERR_TKT_EXPIRED). */
  | 'ticket-expired'
  /** The ticket carries the INVALID flag. */
  | 'ticket-invalid'
  /** The same authenticator was seen before (KRB_AP_ERR_REPEAT). */
  | 'replay'
  /** The GSS checksum (RFC 4121, 4.1.1) is missing where it is required, or malformed. */
  | 'gss-checksum'
  /** The channel bindings belong to another TLS connection, or are missing although required. */
  | 'channel-bindings'
  /** The PAC's server checksum does not verify, or a required buffer contradicts the ticket. */
  | 'pac-invalid'
  /** The ticket has no PAC that names the client's account, and one is required. */
  | 'pac-missing'
  /** The client in the ticket is nobody's account, or only an alias of one: anonymous, well-known, enterprise name. */
  | 'client-name'
  /** The client's realm is not one of those configured. */
  | 'realm-not-allowed'
  /** An option that we do not support was asked for, such as user-to-user. */
  | 'option-unsupported';

export interface Failure {
  readonly code: FailureCode;
  /** What happened and what to do about it, one or two sentences, safe to log. */
  readonly message: string;
}

/** Shorthand that keeps call sites to one line. */
export const failure = (code: FailureCode, message: string): Failure => ({ code, message });
