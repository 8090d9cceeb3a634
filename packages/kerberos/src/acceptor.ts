/**
 * The acceptor: a client's token in, who it is and the answer out. Raw Kerberos tokens (RFC 4121, 4.1) and SPNEGO
 * (RFC 4178), as browsers send them over HTTP (RFC 4559).
 *
 * @module
 */

import {
  type AcceptContext,
  type AcceptResult,
  failed,
  NegotiationState,
  ntlmOffered,
  unknownNegotiation,
} from './accept-result.ts';
import { KerberosMechanism, reading } from './kerberos-mechanism.ts';
import { type AcceptPolicyOptions, acceptPolicy } from './policy.ts';
import type { ReplayCache } from './replay-cache.ts';
import { apRepToken } from './replies.ts';
import { isNegTokenResp, readInitialToken } from './spnego.ts';
import { beginSpnego } from './spnego-negotiation.ts';

/** Policy, keys, and where used tokens are remembered. */
export interface AcceptorOptions extends AcceptPolicyOptions {
  readonly replayCache: ReplayCache;
}

/** One for a keytab; without state of its own, so it serves any number of connections. */
export interface Acceptor {
  /** Never throws for what a client can send. A replay cache that throws makes it throw: nobody is let in unrecorded. */
  accept(token: Uint8Array, context: AcceptContext): Promise<AcceptResult>;
}

/** Windows' own limit for a token (MaxTokenSize is at most 65,535). */
const longestToken = 65_536;

/** Makes an acceptor. Throws `RangeError` for options that cannot be meant. */
export function createAcceptor({ replayCache, ...options }: AcceptorOptions): Acceptor {
  const kerberos = new KerberosMechanism(acceptPolicy(options), replayCache);
  return {
    async accept(token, context) {
      if (token.length > longestToken)
        return failed('token-malformed', `The token is longer than ${longestToken} bytes`);
      if (isNegTokenResp(token))
        return context.state instanceof NegotiationState ? context.state.resume(token, context) : unknownNegotiation();

      const initial = reading(() => readInitialToken(token));
      switch (initial.kind) {
        case 'unreadable':
          return { kind: 'failed', failure: initial.failure, reply: undefined };
        case 'ntlm':
          return ntlmOffered();
        case 'krb5':
          return acceptRaw(kerberos, initial.token, context);
        case 'spnego':
          return beginSpnego(kerberos, initial, context);
      }
    },
  };
}

/** A Kerberos token without SPNEGO, answered by one without SPNEGO. */
async function acceptRaw(
  kerberos: KerberosMechanism,
  token: Uint8Array,
  context: AcceptContext,
): Promise<AcceptResult> {
  const opened = kerberos.open(token, context);
  if (opened.kind === 'refused') return { kind: 'failed', failure: opened.failure, reply: opened.errorToken };
  const seen = await kerberos.claim(opened, context);
  if (seen !== undefined) return { kind: 'failed', failure: seen.failure, reply: seen.errorToken };
  return { kind: 'accepted', client: opened.client, reply: opened.mutual ? apRepToken(opened).token : undefined };
}
