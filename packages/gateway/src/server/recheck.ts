import type { Session } from '../auth/session.ts';
import type { Identity } from '../core/identity.ts';

/** Asks the method that began a session whether it still stands by the person; `undefined` when that is not due. */
export type AskMethod = (session: Session, now: number) => Promise<Recheck> | undefined;

/** What became of asking again. */
export type Recheck =
  /** The person as the method knows them now. */
  | { readonly kind: 'confirmed'; readonly identity: Identity; readonly lookUpGroups: boolean }
  | { readonly kind: 'ended' }
  /** It could not be asked now, or somebody else is asking: what is known goes on. */
  | { readonly kind: 'later' };
