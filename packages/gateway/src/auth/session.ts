/**
 * A session: one sign-in and how long it may last. It has two ends: an absolute one
 * (`identity.expiresAt`, set at sign-in, never moved) and the idle limit, which each
 * renewal pushes ahead.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { Identity } from '../core/identity.ts';
import { PackedReader, PackedWriter } from './packed.ts';
import { readSids, writeSids } from './sid-list.ts';

export interface Session {
  /** 128 random bits, base64url. New at each sign-in, so that a session cannot be planted (fixation). */
  readonly id: string;
  /**
   * The person. When `groupsFrom` is `directory` and the session was read from a cookie, `identity.groups` is
   * empty: whoever opens it asks the directory for the names again (`withGroupNames`).
   */
  readonly identity: Identity;
  /** When the cookie was last written; the idle limit counts from here. Milliseconds since the epoch. */
  readonly sealedAt: number;
  /**
   * Whether the group names travel in the session (`session`), are looked up by `identity.sids` (`directory`), or all
   * groups of the person are asked of the directory (`lookup`).
   */
  readonly groupsFrom: 'session' | 'directory' | 'lookup';
  /** The name of the sign-in method's entry in the configuration. */
  readonly provider: string | undefined;
  /** When the sign-in method was last asked whether it stands by the person. Milliseconds since the epoch. */
  readonly checkedAt: number;
  /** The provider's own name for its session (`sid`, OpenID Connect Back-Channel Logout 1.0, 2.1). */
  readonly providerSession: string | undefined;
}

/** How a session came about, beside who signed in. */
export interface SessionOrigin {
  readonly provider?: string | undefined;
  readonly providerSession?: string | undefined;
  /** All groups are asked of the directory, now and from time to time. */
  readonly lookUpGroups?: boolean | undefined;
  /** False when the sign-in could not find out all groups. The session does not keep it: when it is opened again, it is found out. */
  readonly groupsKnown?: boolean | undefined;
}

/** What a moment makes of a session. */
export type SessionState =
  /** `renew`: time to write the cookie again, so that the idle limit moves on. */
  { readonly kind: 'ok'; readonly renew: boolean } | { readonly kind: 'expired' } | { readonly kind: 'idle' };

/** A cookie is renewed when this part of the idle limit has passed, so that most responses need not set one. */
const renewalsPerIdleLimit = 12;

/** A new session for a person who has just signed in. */
export function startSession(identity: Identity, now: number, origin: SessionOrigin = {}): Session {
  const bySids = identity.sids.length > 0 ? 'directory' : 'session';
  return {
    id: randomBytes(16).toString('base64url'),
    identity,
    sealedAt: now,
    groupsFrom: origin.lookUpGroups === true ? 'lookup' : bySids,
    provider: origin.provider,
    providerSession: origin.providerSession,
    checkedAt: now,
  };
}

/** The same session, seen now. */
export function renewedSession(session: Session, now: number): Session {
  return { ...session, sealedAt: now };
}

/**
 * The same session, with the person as the sign-in method knows them now. Neither end moves, and it stays the same person: another
 * subject would be another session.
 */
export function confirmedSession(session: Session, person: Identity, lookUpGroups: boolean, now: number): Session {
  const { subject, authenticatedAt, provenAt, expiresAt } = session.identity;
  if (person.subject !== subject) throw new RangeError('Cannot go on with a session: it is about another person now');
  // Being asked about is not proving anything: it stays as old as it was.
  const identity = { ...person, authenticatedAt, provenAt, expiresAt };
  const bySids = identity.sids.length > 0 ? 'directory' : 'session';
  return { ...session, identity, groupsFrom: lookUpGroups ? 'lookup' : bySids, checkedAt: now };
}

/** What of a session says how long it lasts. */
interface SessionTimes {
  readonly sealedAt: number;
  readonly identity: { readonly expiresAt: number };
}

/** Whether a session still holds. */
export function sessionState(session: SessionTimes, idleMs: number, now: number): SessionState {
  if (now >= session.identity.expiresAt) return { kind: 'expired' };
  if (now - session.sealedAt > idleMs) return { kind: 'idle' };
  return { kind: 'ok', renew: now - session.sealedAt > idleMs / renewalsPerIdleLimit };
}

/** The moment at which this session ends unless it is renewed; what keeps it in memory must forget it then. */
export function sessionEnd(session: Session, idleMs: number): number {
  return Math.min(session.identity.expiresAt, session.sealedAt + idleMs);
}

const form = 3;
const groupsFromValues = ['session', 'directory', 'lookup'] as const;

/** A session as bytes, for sealing. Names that the directory can give again are left out. */
export function packSession(session: Session): Uint8Array {
  const { identity } = session;
  const packed = new PackedWriter();
  packed.number(form);
  packed.bytes(Buffer.from(session.id, 'base64url'));
  packed.number(identity.authenticatedAt);
  packed.number(identity.provenAt ?? 0);
  packed.number(identity.expiresAt);
  packed.number(session.sealedAt);
  packed.text(identity.method);
  packed.text(identity.subject);
  packed.text(identity.account);
  packed.optionalText(identity.upn);
  packed.optionalText(identity.name);
  packed.optionalText(identity.email);
  packed.number(groupsFromValues.indexOf(session.groupsFrom));
  packed.list(session.groupsFrom === 'session' ? identity.groups : [], (group) => packed.text(group));
  writeSids(packed, session.groupsFrom === 'lookup' ? [] : identity.sids);
  packed.optionalText(session.provider);
  packed.optionalText(session.providerSession);
  packed.number(session.checkedAt);
  return packed.end();
}

/** The inverse of `packSession`. Throws `PackedError`. */
export function unpackSession(bytes: Uint8Array): Session | undefined {
  const packed = new PackedReader(bytes);
  if (packed.number() !== form) return undefined;
  const id = Buffer.from(packed.bytes()).toString('base64url');
  const authenticatedAt = packed.number();
  const provenAt = packed.number();
  const expiresAt = packed.number();
  const sealedAt = packed.number();
  const method = packed.text();
  const subject = packed.text();
  const account = packed.text();
  const upn = packed.optionalText();
  const name = packed.optionalText();
  const email = packed.optionalText();
  const groupsFrom = groupsFromValues[packed.number()];
  const groups = packed.list(() => packed.text());
  const sids = readSids(packed);
  const provider = packed.optionalText();
  const providerSession = packed.optionalText();
  const checkedAt = packed.number();
  packed.end();
  if (groupsFrom === undefined) return undefined;
  const person = { subject, account, upn, name, email, sids, groups, method, authenticatedAt, expiresAt };
  const identity = provenAt === 0 ? person : { ...person, provenAt };
  return { id, identity, sealedAt, groupsFrom, provider, providerSession, checkedAt };
}
