/**
 * The session cookie's value. As a rule it is the whole session, sealed: any replica with the same keys opens it, and no
 * store can be down. What does not fit, or is to stay in a store, leaves its name in the cookie, sealed as well.
 *
 * @module
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Sealer } from '../ports/sealer.ts';
import { PackedReader, PackedWriter } from './packed.ts';
import { packSession, type Session, sessionState, unpackSession } from './session.ts';

export interface SessionCookieOptions {
  /** For the purpose `session` alone. */
  readonly sealer: Sealer;
  readonly idleMs: number;
  /** Longest cookie value; default: what leaves room for name and attributes within 4,096 bytes. */
  readonly maxLength?: number;
}

export type OpenedSession =
  /** `renew`: seal `renewedSession(session, now)` and set the cookie again. */
  | { readonly kind: 'ok'; readonly session: Session; readonly renew: boolean }
  /** The session is kept elsewhere under this id; its idle limit counts from `sealedAt`. */
  | { readonly kind: 'reference'; readonly id: string; readonly sealedAt: number; readonly expiresAt: number }
  /** The absolute end has passed. */
  | { readonly kind: 'expired' }
  /** Unused for longer than the idle limit. */
  | { readonly kind: 'idle' }
  /** Not made here, made with keys that are gone, or altered. */
  | { readonly kind: 'invalid' };

export interface SessionCookies {
  /** The whole session; `undefined` when it does not fit. Nothing is cut off: a cut identity would be another one. */
  seal(session: Session): string | undefined;
  /** The session's name and its two ends alone. */
  sealReference(session: Session): string;
  open(value: string, now: number): OpenedSession;
  /** Which session it is, whatever the time; whose, where the cookie says so. `undefined` for what was not made here. */
  nameIn(value: string): NamedSession | undefined;
}

/** A session as its cookie names it. */
export interface NamedSession {
  readonly id: string;
  readonly expiresAt: number;
  readonly subject: string | undefined;
}

/** Browsers keep cookies of 4,096 bytes (RFC 6265, 6.1); 96 are for `__Host-cardea=` and the attributes. */
const maxCookieValueLength = 4_000;

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
      return value.length <= maxLength ? value : undefined;
    },

    sealReference({ id, sealedAt, identity }) {
      const packed = new PackedWriter();
      packed.number(reference);
      packed.bytes(Buffer.from(id, 'base64url'));
      packed.number(sealedAt);
      packed.number(identity.expiresAt);
      return sealer.seal(packed.end());
    },

    open(value, now) {
      // Our own cookies are never longer; a longer one is not worth decrypting.
      const plain = value.length <= maxLength ? sealer.open(value) : undefined;
      // What passed the seal was written here, so a fault in it means another version of Cardea: sign in again.
      try {
        return plain === undefined ? { kind: 'invalid' } : read(plain, idleMs, now);
      } catch {
        return { kind: 'invalid' };
      }
    },

    nameIn(value) {
      // At a time when nothing has ended yet.
      const opened = this.open(value, 0);
      if (opened.kind === 'reference') return { id: opened.id, expiresAt: opened.expiresAt, subject: undefined };
      if (opened.kind !== 'ok') return undefined;
      const { id, identity } = opened.session;
      return { id, expiresAt: identity.expiresAt, subject: identity.subject };
    },
  };
}

function read(plain: Uint8Array, idleMs: number, now: number): OpenedSession {
  if (plain[0] === reference) {
    const packed = new PackedReader(plain);
    packed.number();
    const id = Buffer.from(packed.bytes()).toString('base64url');
    const [sealedAt, expiresAt] = [packed.number(), packed.number()];
    packed.end();
    const state = sessionState({ sealedAt, identity: { expiresAt } }, idleMs, now);
    return state.kind === 'ok' ? { kind: 'reference', id, sealedAt, expiresAt } : state;
  }
  const session = unpackSession(unsqueeze(plain));
  if (session === undefined) return { kind: 'invalid' };
  const state = sessionState(session, idleMs, now);
  return state.kind === 'ok' ? { kind: 'ok', session, renew: state.renew } : state;
}

/** The first byte says what follows. */
const stored = 0;
const deflated = 1;
const reference = 2;

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
