import type { LookedUp, LookUpGroups } from '../auth/memberships.ts';
import type { Role } from '../policy/rule.ts';
import { type Subject, subjectOf } from '../policy/subject.ts';

/** What is known of somebody who has not come themselves. */
export type OtherPerson =
  | { readonly kind: 'known'; readonly subject: Subject }
  /** The directory has no such person, or more than one. */
  | { readonly kind: 'unknown' }
  /** Their account is disabled or has expired. */
  | { readonly kind: 'barred' }
  /** The directory could not be asked, and nothing is remembered that is young enough. */
  | { readonly kind: 'unavailable'; readonly why: string };

/** Looks somebody up by `CORP\bob`, `bob@corp.example` or a SID. */
export type LookUpOther = (user: string, now: number) => Promise<OtherPerson>;

/**
 * Other people as the directory knows them: with all their groups, as if they had just begun a session of which nothing is
 * known. `lookUp` must not serve answers that are older than it is fresh: nobody is there whose work that would keep going.
 */
export function otherPeople(lookUp: LookUpGroups, roles: Readonly<Record<string, Role>>): LookUpOther {
  return async (user, now) => {
    const found: LookedUp = await lookUp(identityOf(user, now), now);
    const { answer, barred, note, identity } = found;
    if (answer === 'unavailable' || answer === undefined)
      return { kind: 'unavailable', why: note ?? 'the directory was not asked' };
    if (answer !== 'found') return { kind: 'unknown' };
    if (barred !== undefined) return { kind: 'barred' };
    return { kind: 'known', subject: subjectOf(identity, roles, { groupsKnown: note === undefined }) };
  };
}

const identityOf = (user: string, now: number): LookedUp['identity'] => ({
  subject: user.startsWith('S-1-') ? user : `directory:${user}`,
  account: user,
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: [],
  groups: [],
  method: 'directory',
  authenticatedAt: now,
  expiresAt: Number.MAX_SAFE_INTEGER,
});
