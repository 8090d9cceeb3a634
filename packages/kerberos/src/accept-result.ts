import type { AcceptCircumstances, AcceptedClient } from './accept-ap-req.ts';
import { type Failure, type FailureCode, failure } from './failure.ts';

/** What `accept` is told besides the token. */
export interface AcceptContext extends AcceptCircumstances {
  /** What the last `continue` on this very connection gave. Anything else counts as nothing. */
  readonly state?: unknown;
}

/** What became of a token. `reply` goes back to the client. */
export type AcceptResult =
  | { readonly kind: 'accepted'; readonly client: AcceptedClient; readonly reply: Uint8Array | undefined }
  /**
   * Another leg is needed. The caller keeps `state` with the client's connection, and gives it back with the next
   * token from there; it is good for one use.
   */
  | { readonly kind: 'continue'; readonly reply: Uint8Array; readonly state: NegotiationState }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly reply: Uint8Array | undefined };

type NextLeg = (token: Uint8Array, context: AcceptContext) => Promise<AcceptResult>;

/** A negotiation that waits for its next leg. Opaque to callers. */
export class NegotiationState {
  #next: NextLeg | undefined;

  constructor(next: NextLeg) {
    this.#next = next;
  }

  /** Goes on with the next leg, once: what is left over from a finished negotiation must not sign anybody on again. */
  async resume(token: Uint8Array, context: AcceptContext): Promise<AcceptResult> {
    const next = this.#next;
    this.#next = undefined;
    return next === undefined ? unknownNegotiation() : next(token, context);
  }
}

/** A refusal. */
export const failed = (code: FailureCode, message: string, reply?: Uint8Array): AcceptResult => ({
  kind: 'failed',
  failure: failure(code, message),
  reply,
});

/** The answer to a later leg that nothing here is waiting for. */
export const unknownNegotiation = (): AcceptResult =>
  failed(
    'token-malformed',
    'The client continues a negotiation that was not begun on this connection. A proxy in front that spreads one ' +
      "client's requests over several connections does that.",
  );

/** The client has no Kerberos ticket, and the reasons are nearly always the same. */
export const ntlmOffered = (reply?: Uint8Array): AcceptResult =>
  failed(
    'ntlm-offered',
    'The client offers NTLM and no Kerberos, so it got no ticket: it is not signed in to the domain, the service name ' +
      'HTTP/<host> is not registered, or the address is not in its intranet zone or allow list.',
    reply,
  );
