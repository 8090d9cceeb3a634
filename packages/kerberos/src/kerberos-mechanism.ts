import { type AcceptCircumstances, type VerifiedApReq, verifyApReq } from './accept-ap-req.ts';
import { DerError } from './der.ts';
import { type Failure, failure } from './failure.ts';
import { GssError, readKrb5Token, TokId } from './gss.ts';
import type { Ticket } from './messages/ticket.ts';
import type { AcceptPolicy } from './policy.ts';
import { quote } from './quote.ts';
import type { ReplayCache } from './replay-cache.ts';
import { krbErrorToken } from './replies.ts';

/** A Kerberos token that is not accepted. */
export interface RefusedToken {
  readonly kind: 'refused';
  readonly failure: Failure;
  /** A KRB-ERROR for the client, where one helps. */
  readonly errorToken: Uint8Array | undefined;
}

/** The Kerberos mechanism (RFC 4121), by itself or inside SPNEGO: one AP-REQ in, and the claim that it is new. */
export class KerberosMechanism {
  readonly policy: AcceptPolicy;
  readonly #replayCache: ReplayCache;

  constructor(policy: AcceptPolicy, replayCache: ReplayCache) {
    this.policy = policy;
    this.#replayCache = replayCache;
  }

  /** Opens and checks a Kerberos token, all but whether it is new. */
  open(token: Uint8Array, circumstances: AcceptCircumstances): VerifiedApReq | RefusedToken {
    const { now } = circumstances;
    const frame = reading(() => ({ kind: 'frame' as const, ...readKrb5Token(token) }));
    if (frame.kind === 'unreadable') return refused(frame.failure, undefined, now);
    if (frame.tokId !== TokId.apReq)
      return refused(failure('token-malformed', 'The Kerberos token is not an AP-REQ'), undefined, now);
    const result = verifyApReq(frame.message, this.policy, circumstances);
    return result.kind === 'verified' ? result : refused(result.failure, result.ticket, now);
  }

  /** The last step before anybody is let in: `undefined` when the token is new, and from now on it is not. */
  async claim(
    { client, replay, ticket }: VerifiedApReq,
    { now }: AcceptCircumstances,
  ): Promise<RefusedToken | undefined> {
    if (await this.#replayCache.claim(replay.key, replay.expiresAt)) return undefined;
    const message =
      `This token of ${quote(`${client.principal}@${client.realm}`)} was used before. A client that repeats a request ` +
      'makes a new token: unless a proxy in front sent it twice, somebody recorded it.';
    return refused(failure('replay', message), ticket, now);
  }
}

const refused = (reason: Failure, ticket: Ticket | undefined, now: number): RefusedToken => ({
  kind: 'refused',
  failure: reason,
  errorToken: krbErrorToken(reason.code, ticket, now),
});

/** Runs a reader of a peer's bytes. Its errors are expected, so they become values. */
export function reading<T>(read: () => T): T | { readonly kind: 'unreadable'; readonly failure: Failure } {
  try {
    return read();
  } catch (error) {
    if (error instanceof GssError) return { kind: 'unreadable', failure: failure(error.code, error.message) };
    if (error instanceof DerError) return { kind: 'unreadable', failure: failure('token-malformed', error.message) };
    throw error;
  }
}
