/**
 * What has been ended before its time, shared by every thread and replica. A small list:
 * each thread keeps a copy of it (`auth/revocation-list.ts`) and asks for what is new.
 *
 * @module
 */

export const revocationKinds = ['session', 'person', 'provider-session', 'everybody', 'api-key'] as const;
export type RevocationKind = (typeof revocationKinds)[number];

export interface Revocation {
  readonly kind: RevocationKind;
  /**
   * Whom it is about: the session's id; the person's subject, account or UPN, in its one spelling (`canonicalName`);
   * `providerSessionKey`; the API key's id; empty for everybody.
   */
  readonly key: string;
  /** Whatever was issued before this is revoked. Milliseconds since the epoch. Sessions and API keys by id: whenever it was issued. */
  readonly before: number;
  /** When it may be forgotten, because everything it is about has expired. Milliseconds since the epoch. */
  readonly until: number;
  /** For the audit log: `administrator`, `signed-out`, `backchannel-logout`, ... */
  readonly reason: string;
}

export interface RevocationChanges {
  readonly entries: readonly Revocation[];
  /** What to ask with next time. */
  readonly cursor: string;
  /** There is more: ask again at once. */
  readonly more: boolean;
  /**
   * The store may have forgotten something since the cursor that was given (it was emptied, or restored, or the connection was
   * lost): these are its entries from the first one on. Whoever knows others gives them back by `add`.
   */
  readonly startedOver: boolean;
  /** False while a store that has just lost its memory waits to be told by everybody what they know. */
  readonly settled: boolean;
}

/** The shared list. Both operations throw `StoreUnavailable`. */
export interface Revocations {
  /** Entries written since `cursor`; all of them without. Cheap enough to be asked several times a second. */
  changes(cursor: string | undefined): RevocationChanges | Promise<RevocationChanges>;
  /** Adds entries, or widens those with the same kind and key. Nothing is ever narrowed. */
  add(entries: readonly Revocation[]): void | Promise<void>;
  close(): void | Promise<void>;
}

/** The reason for ending a session whose place a new one of the same person has taken: what belongs to it goes on there. */
export const replacedBy = (id: string): string => `replaced by ${id}`;

/** The session that has taken the place of one that ended for this reason; `undefined` when none has. */
export const successorIn = (reason: string): string | undefined => /^replaced by ([\w-]+)$/.exec(reason)?.[1];

/** Two entries about the same thing as one that revokes whatever either of them does. */
export function widened(one: Revocation, other: Revocation): Revocation {
  if (covers(one, other)) return one;
  const newer = other.before >= one.before ? other : one;
  return { ...newer, before: Math.max(one.before, other.before), until: Math.max(one.until, other.until) };
}

/** Whether `other` adds nothing to `one`. */
export function covers(one: Revocation, other: Revocation): boolean {
  return one.before >= other.before && one.until >= other.until;
}

/** The key of a provider's own session: `provider` is the name of the sign-in method's entry. */
export const providerSessionKey = (provider: string, session: string): string => `${provider}|${session}`;
