/**
 * Finds people in Active Directory: by SID, by names that are exact within the domain, or
 * by e-mail address; and with them every group they are in, as the domain controller
 * itself works it out for a sign-on (`tokenGroups`, MS-ADTS 3.1.1.4.5.19).
 *
 * Two accounts that fit are as good as none: which one is meant would be a guess.
 *
 * @module
 */
import { AndFilter, type Entry, EqualityFilter, type Filter, OrFilter, PresenceFilter } from 'ldapts';
import type { FoundPerson, People, PersonKeys, Search } from '../ports/people.ts';
import { DomainFacts, type LdapDomain } from './ldap-domain.ts';
import { accountStateOf, isSid, sidOf, sidFilter, sidsOf, textOf } from './ldap-entries.ts';
import type { PatientConnection } from './ldap-patience.ts';

/** An account without its groups, and where it lies. */
export interface Located extends Omit<FoundPerson, 'groups' | 'sid' | 'account'> {
  readonly dn: string;
  readonly sid: string;
  readonly account: string;
}

export type Location =
  | { readonly kind: 'found'; readonly located: Located }
  | Extract<Search, { readonly kind: 'none' | 'several' }>;

export interface LdapPeople extends People {
  /** As `find`, without the groups. */
  locate(keys: PersonKeys, now: number): Promise<Location>;
  readonly domain: DomainFacts;
}

const attributes: readonly string[] = [
  'objectSid',
  'sAMAccountName',
  'userPrincipalName',
  'displayName',
  'mail',
  'userAccountControl',
  'accountExpires',
  'msDS-User-Account-Control-Computed',
];

/** People as this connection shows them. */
export function ldapPeople(connection: PatientConnection): LdapPeople {
  const domain = new DomainFacts(connection);

  /** The accounts that fit the filter and, compared letter by letter, what was asked for. */
  async function fitting(filter: Filter, fits: (entry: Entry) => boolean, now: number): Promise<readonly Entry[]> {
    const entries = await connection.search({ filter, attributes, sizeLimit: 3 }, now);
    // A server that folds accents or width finds more than what was asked for (MS-ADTS 3.1.1.3.1.3).
    return entries.filter(fits);
  }

  async function entriesFor(keys: PersonKeys, now: number): Promise<readonly Entry[] | { readonly why: string }> {
    const { sid, upn, account, email } = keys;
    if (sid !== undefined) {
      if (!isSid(sid)) return { why: 'its SID is malformed' };
      return fitting(both(isUser, sidFilter([sid])), (entry) => sidOf(entry) === sid, now);
    }
    const own = await domain.get(now);
    if (account !== undefined && !same(account.domain, own.netbios))
      return { why: `${account.domain} is another domain than the directory's, ${own.netbios}` };
    const names = namesOf(keys, own);
    const terms = names.map((value) => new EqualityFilter({ attribute: 'sAMAccountName', value }));
    if (upn !== undefined) terms.push(new EqualityFilter({ attribute: 'userPrincipalName', value: upn }));
    if (terms.length > 0) {
      const fits = (entry: Entry): boolean =>
        (upn !== undefined && same(textOf(entry, 'userPrincipalName'), upn)) ||
        names.some((name) => same(textOf(entry, 'sAMAccountName'), name));
      const found = await fitting(both(isUser, isPerson, new OrFilter({ filters: terms })), fits, now);
      if (found.length > 0) return found;
    }
    if (email === undefined) return [];
    const hasMail = new EqualityFilter({ attribute: 'mail', value: email });
    return fitting(both(isUser, isPerson, hasMail), (entry) => same(textOf(entry, 'mail'), email), now);
  }

  async function locate(keys: PersonKeys, now: number): Promise<Location> {
    const entries = await entriesFor(keys, now);
    if ('why' in entries) return { kind: 'none', why: entries.why };
    const [entry, ...more] = entries;
    if (entry === undefined) return { kind: 'none', why: 'the directory knows no such account' };
    if (more.length > 0) return { kind: 'several', why: 'more than one account in the directory fits' };
    const sid = sidOf(entry);
    const name = textOf(entry, 'sAMAccountName');
    if (sid === undefined || name === undefined)
      return { kind: 'none', why: 'the directory does not show the SID and name of the account' };
    const { netbios } = await domain.get(now);
    const located = {
      dn: entry.dn,
      sid,
      account: `${netbios}\\${name}`,
      upn: textOf(entry, 'userPrincipalName'),
      name: textOf(entry, 'displayName'),
      email: textOf(entry, 'mail'),
      state: accountStateOf(entry, now),
    };
    return { kind: 'found', located };
  }

  return {
    domain,
    locate,

    async find(keys, now) {
      const location = await locate(keys, now);
      if (location.kind !== 'found') return location;
      const { dn: _, ...person } = location.located;
      // Worked out for one account at a time, so it is asked of the entry itself.
      const question = { at: `<SID=${person.sid}>`, filter: any, attributes: ['tokenGroups'], sizeLimit: 1 };
      const [entry] = await connection.search(question, now);
      const sids = entry === undefined ? [] : sidsOf(entry, 'tokenGroups');
      // Everybody has a primary group: none at all means that we may not see them.
      const groups = sids.length === 0 ? undefined : sids.map((sid) => ({ sid, name: undefined }));
      return { kind: 'found', person: { ...person, groups } };
    },
  };
}

/** The sAMAccountNames that the account may have by what is known of it. */
function namesOf({ upn, account }: PersonKeys, own: LdapDomain): readonly string[] {
  const names = account === undefined ? [] : [account.name];
  const at = upn?.lastIndexOf('@') ?? -1;
  // MS-ADTS 5.1.1.1.1: every account has a UPN of its name and its domain as well, whatever its attribute says.
  if (upn !== undefined && at > 0 && same(upn.slice(at + 1), own.dns)) names.push(upn.slice(0, at));
  return [...new Set(names)];
}

const any = new PresenceFilter({ attribute: 'objectClass' });
const isUser = new EqualityFilter({ attribute: 'objectClass', value: 'user' });
/** Not a computer, whose class is a user's too. */
const isPerson = new EqualityFilter({ attribute: 'objectCategory', value: 'person' });
const both = (...filters: Filter[]): Filter => new AndFilter({ filters });

/** Windows does not tell upper from lower case in names. */
const same = (one: string | undefined, other: string): boolean => one !== undefined && folded(one) === folded(other);
const folded = (text: string): string => text.normalize('NFC').toLowerCase();
