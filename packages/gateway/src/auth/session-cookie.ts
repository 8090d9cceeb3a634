/**
 * Sessions without a store: the whole session, sealed, is the cookie's value. Any
 * replica with the same keys opens it, and no store can be down.
 *
 * @module
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Sealer } from '../ports/sealer.ts';
import { packSession, type Session, sessionState, unpackSession } from './session.ts';

export interface SessionCookieOptions {
  /** For the purpose `session` alone. */
  readonly sealer: Sealer;
  readonly idleMs: number;
  /** Longest cookie value; default: what leaves room for name and attributes within 4,096 bytes. */
  readonly maxLength?: number;
}

export type SealedSession =
  | { readonly kind: 'ok'; readonly value: string }
  /** The person has too many groups for a cookie. Nothing is cut off: a cut identity would be another one. */
  | { readonly kind: 'too-large'; readonly length: number; readonly maxLength: number };

export type OpenedSession =
  /** `renew`: seal `renewedSession(session, now)` and set the cookie again. */
  | { readonly kind: 'ok'; readonly session: Session; readonly renew: boolean }
  /** The absolute end has passed. */
  | { readonly kind: 'expired' }
  /** Unused for longer than the idle limit. */
  | { readonly kind: 'idle' }
  /** Not made here, made with keys that are gone, or altered. */
  | { readonly kind: 'invalid' };

export interface SessionCookies {
  seal(session: Session): SealedSession;
  open(value: string, now: number): OpenedSession;
}

/** Browsers keep cookies of 4,096 bytes (RFC 6265, 6.1); 96 are for `__Host-cardea=` and the attributes. */
export const maxCookieValueLength = 4_000;

/** Below this, deflating gains too little for its time: numbers of groups do not repeat themselves, their names do. */
const deflateFrom = 1_200;

/** Far above what fits into a cookie. It is our own text, so this is a second line of defence. */
const maxInflated = 64 * 1024;

/** Turns sessions into cookie values and back. */
export function sessionCookies(options: SessionCookieOptions): SessionCookies {
  const { sealer, idleMs, maxLength = maxCookieValueLength } = options;
  return {
    seal(session) {
      const value = sealer.seal(squeeze(packSession(session)));
      return value.length <= maxLength ? { kind: 'ok', value } : { kind: 'too-large', length: value.length, maxLength };
    },

    open(value, now) {
      // Our own cookies are never longer; a longer one is not worth decrypting.
      const plain = value.length <= maxLength ? sealer.open(value) : undefined;
      const session = plain === undefined ? undefined : read(plain);
      if (session === undefined) return { kind: 'invalid' };
      const state = sessionState(session, idleMs, now);
      return state.kind === 'ok' ? { kind: 'ok', session, renew: state.renew } : state;
    },
  };
}

/** What passed the seal was written here, so a fault in it means another version of Cardea: sign in again. */
function read(plain: Uint8Array): Session | undefined {
  try {
    return unpackSession(unsqueeze(plain));
  } catch {
    return undefined;
  }
}

const stored = 0;
const deflated = 1;

function squeeze(bytes: Uint8Array): Uint8Array {
  const small = bytes.length >= deflateFrom ? deflateRawSync(bytes, { level: 6 }) : undefined;
  if (small !== undefined && small.length < bytes.length) return Buffer.concat([Buffer.of(deflated), small]);
  return Buffer.concat([Buffer.of(stored), bytes]);
}

function unsqueeze(bytes: Uint8Array): Uint8Array {
  const rest = bytes.subarray(1);
  if (bytes[0] === stored) return rest;
  if (bytes[0] === deflated) return inflateRawSync(rest, { maxOutputLength: maxInflated });
  throw new RangeError('Cannot read session: unknown form');
}
