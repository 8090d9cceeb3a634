/**
 * Tokens of our own issuer, as those see them who take one for a credential.
 *
 * @module
 */

/** What is said of a person in a token. Absent when unknown. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly aud: string;
  /** The account, `CORP\alice`. */
  readonly sub: string;
  readonly client_id: string;
  readonly groups: readonly string[];
  readonly roles?: readonly string[];
  /** What the token is limited to, with blanks between (RFC 8693, 4.2). */
  readonly scope?: string;
  readonly upn?: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  /** When the person proved who they are, where that is known (RFC 9068, 2.2.1). */
  readonly auth_time?: number;
  /** For this gateway alone. */
  readonly cardea: AccessTokenOrigin;
}

/** The sign-in of which a token was made: what ends it before its time. */
export interface AccessTokenOrigin {
  /** Milliseconds since the epoch: whatever was revoked later than this covers the token. */
  readonly at: number;
  /** The stable key of the person. */
  readonly sub: string;
  /** The session, where there was one. */
  readonly sid?: string;
  /** The entry by which that session began, and the provider's own session. */
  readonly idp?: string;
  readonly idp_sid?: string;
}

/** Why a token is refused: a word for the audit log. */
export type AccessTokenFault =
  | 'malformed'
  | 'type'
  | 'issuer'
  | 'key-unknown'
  | 'algorithm'
  | 'signature'
  | 'claim'
  | 'audience'
  | 'expired'
  | 'not-yet-valid';

export type VerifiedToken =
  | {
      readonly kind: 'ok';
      readonly claims: AccessTokenClaims;
      /** The key that has verified it. */
      readonly kid: string;
      /** Until then it is taken, leeway for clocks included. Milliseconds since the epoch. */
      readonly goodUntil: number;
    }
  /** `detail` is for the administrator, and has nothing of the token. */
  | { readonly kind: 'refused'; readonly reason: AccessTokenFault; readonly detail: string };

/** Verifies tokens of our own issuer, at once and without asking anybody. Whether one has been revoked is another question. */
export interface AccessTokenVerifier {
  /** What they have as `iss`, letter for letter. */
  readonly issuer: string;
  /** Whether a token says that it is of our issuer. Nothing of it has been verified. */
  isOwn(token: string): boolean;
  /** Whether the issuer has this key still. */
  hasKey(kid: string): boolean;
  /** Verifies a token that must be for one of these audiences. */
  verify(token: string, audiences: readonly string[], now: number): VerifiedToken;
}
