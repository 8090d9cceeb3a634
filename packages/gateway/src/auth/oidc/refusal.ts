/**
 * Why somebody was not signed in by a provider. The reasons are stable words for the audit log and for metrics; the
 * person sees the same page whatever the reason.
 */
export type OidcReason =
  // our own transaction
  | 'transaction-missing'
  | 'transaction-expired'
  | 'transaction-of-another-provider'
  | 'transaction-used'
  | 'redirect-uri-differs'
  // what the browser brought back
  | 'response-malformed'
  | 'response-issuer'
  | 'access-denied'
  | 'login-required'
  | 'provider-error'
  // what the token endpoint said
  | 'code-refused'
  | 'client-refused'
  | 'refresh-refused'
  | 'token-response-malformed'
  // a token of the provider
  | 'token-missing'
  | 'token-malformed'
  | 'token-encrypted'
  | 'token-unsigned'
  | 'token-algorithm'
  | 'token-type'
  | 'token-key-unknown'
  | 'token-signature'
  | 'token-issuer'
  | 'token-audience'
  | 'token-authorized-party'
  | 'token-expired'
  | 'token-not-yet-valid'
  | 'token-from-the-future'
  | 'token-too-old'
  | 'token-nonce'
  | 'token-hash'
  | 'token-subject'
  | 'token-claim-missing'
  | 'token-event'
  | 'token-used'
  | 'authentication-too-old'
  | 'authentication-too-weak'
  | 'tenant-not-allowed'
  // who it is
  | 'account-missing'
  | 'account-malformed'
  | 'subject-changed'
  | 'userinfo-failed'
  | 'groups-unavailable'
  | 'groups-malformed'
  | 'group-not-allowed';

/** An expected refusal. `detail` is for the administrator; it has no token, code or secret in it. */
export interface Refused {
  readonly kind: 'refused';
  readonly reason: OidcReason;
  readonly detail: string;
}

export const refused = (reason: OidcReason, detail: string): Refused => ({ kind: 'refused', reason, detail });

/** The provider cannot be used now: it is down, slow, or answers with something else. Nobody is refused by this; one tries again. */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
  /** When it makes sense to try again. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** A stranger's words, as far as they can stand in a log: printable ASCII, and not much of it. */
export function quotable(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, '?').slice(0, 200);
}
