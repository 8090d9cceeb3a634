/** Why there is no token. Codes stay as they are; messages may change. */
export type TokenErrorCode =
  /** Nobody has signed in on this machine, or the ticket is not for us to see. */
  | 'no-ticket'
  | 'ticket-expired'
  /** This machine's clock and the domain's are too far apart. */
  | 'clock-skew'
  /** The domain knows no service of this name (SPN). */
  | 'unknown-service'
  /** The gateway cannot open the ticket: its key is not the one of the domain. */
  | 'service-key'
  | 'kdc-unreachable'
  /** The sign-in failed for another reason, which the message tells. */
  | 'sign-on-failed'
  /** There is no way to sign in on this machine: neither koffi nor curl. */
  | 'no-way-to-sign-in'
  /** Whoever answered could not prove to be the service that we asked for. */
  | 'mutual-authentication-failed'
  | 'issuer-unreachable'
  /** The issuer is there and cannot give a token now: ask again after `retryAfterMs`. */
  | 'issuer-unavailable'
  /** The issuer gives no token: `error` has its reason in the words of RFC 6749, 5.2. */
  | 'issuer-refused'
  /** What came is no answer of an issuer. */
  | 'bad-answer'
  /** The token would go over a line that anybody can read, or to somebody who is not in `origins`. */
  | 'not-secure'
  /** Others could read or change the file of the cache. */
  | 'unsafe-cache';

export interface TokenErrorDetails {
  readonly cause?: unknown;
  /** HTTP status of the issuer's answer. */
  readonly status?: number;
  /** `error` of the issuer's answer: `access_denied`, `invalid_target` ... */
  readonly error?: string;
  /** Leads to the reason in the gateway's audit log. */
  readonly requestId?: string;
  readonly retryAfterMs?: number;
}

/** There is no token. The message says what to do, and has neither tokens nor tickets in it. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code: TokenErrorCode;
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: TokenErrorCode, message: string, details: TokenErrorDetails = {}) {
    super(`Cannot get a token: ${message}`, details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.error = details.error;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
  }
}
