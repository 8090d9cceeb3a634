/**
 * From a session to somebody whom policy can judge: groups named or looked up, roles worked out.
 *
 * @module
 */
import { withGroupNames } from '../auth/group-names.ts';
import { AccountBarred, type LookUpGroups } from '../auth/memberships.ts';
import type { Session } from '../auth/session.ts';
import type { Identity } from '../core/identity.ts';
import type { Role } from '../policy/rule.ts';
import { subjectOf } from '../policy/subject.ts';
import type { Directory } from '../ports/directory.ts';
import type { Live } from './live.ts';

export interface ReviveOptions {
  readonly directory: Directory | undefined;
  /** All groups of a person, for sign-in methods that ask the directory for them. Never fails for a directory that is down. */
  readonly lookUpGroups: LookUpGroups;
  readonly roles: Readonly<Record<string, Role>>;
}

export interface Revived {
  readonly live: Live;
  /** The directory could not be asked, and somebody may have groups that are missing here. */
  readonly outage: boolean;
}

/**
 * Makes of a session what requests need of it. `fresh`: the identity as a sign-in has just found it, group names
 * included. Rejects with `AccountBarred`.
 */
export async function revive(
  { directory, lookUpGroups, roles }: ReviveOptions,
  session: Session,
  now: number,
  fresh?: Identity,
): Promise<Revived> {
  const live = (identity: Identity, note: string | undefined): Live => {
    const subject = subjectOf(identity, roles, { provider: session.provider, groupsKnown: note === undefined });
    return { session, identity, subject, note, namedAt: now, passing: false, headers: new Map() };
  };
  const identity = fresh ?? session.identity;
  if (session.groupsFrom === 'lookup') {
    const found = await lookUpGroups(identity, now);
    if (found.barred !== undefined) throw new AccountBarred(found.barred, identity.method);
    const outage = found.answer === 'unavailable' || found.namesMissing === true;
    return { live: live(found.identity, found.note), outage };
  }
  if (session.groupsFrom === 'session' || fresh !== undefined)
    return { live: live(identity, undefined), outage: false };
  const { identity: named, note } = await withGroupNames(identity, directory, now);
  return { live: live(named, note), outage: note !== undefined };
}
