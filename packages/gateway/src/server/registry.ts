/**
 * What sessions ask of whoever keeps a list of them (`session-registry.ts`).
 *
 * @module
 */
import type { Session } from '../auth/session.ts';

/** Who is signed in, for administrators; and the bodies of sessions that do not travel in their cookie. */
export interface SessionRegistry {
  /** Notes a session that has begun. With a `body`, that is kept until the session's end; else nothing has to be. */
  begun(session: Session, about: SessionPlace, body: Uint8Array | undefined): Promise<void>;
  /** The body of a session; `undefined` when it has been removed. Throws when the store cannot be asked. */
  body(id: string): Promise<Uint8Array | undefined>;
  /** Keeps this body in the place of the one before, if any. False when it is not kept: it has been revoked, or the store is down. */
  changed(session: Session, body: Uint8Array): Promise<boolean>;
  /** Notes that a session is in use. At once, and written some time later. `whole`: it needs nothing but its cookie. */
  seen(session: Session, now: number, whole: boolean): void;
  /** Ends a session everywhere. Resolves when that is certain here, and elsewhere as far as others can be told. */
  ended(session: SessionName, why: EndReason): Promise<void>;
  /**
   * The same without anybody waiting for it: another session has taken its place in the browser. With a `successor`, of the same
   * person, what belongs to the one goes on with the other, whose body is kept for those who have to look it up.
   */
  replaced(session: SessionName, successor?: { readonly session: Session; readonly body: Uint8Array }): void;
}

/** What is needed to end a session. */
export interface SessionName {
  readonly id: string;
  readonly expiresAt: number;
}

export const nameOf = ({ id, identity: { expiresAt } }: Session): SessionName => ({ id, expiresAt });

/** For the audit log. */
export type EndReason = 'signed-out' | 'replaced' | 'account-barred' | 'ended-by-provider';

/** Where a session began. */
export interface SessionPlace {
  readonly address: string;
  /** `Chrome on Windows`, as far as the browser tells. */
  readonly device: string;
  readonly app: string;
}
