/**
 * Finds people in Microsoft Entra ID: by the SID of the AD account that they are synchronised from, by UPN, or by the name
 * of that AD account; and with them every security group they are in, also by way of other groups.
 *
 * Two accounts that fit are as good as none. Part of the groups never passes for all of them.
 *
 * @module
 */
import { named } from '../auth/oidc/claims.ts';
import { isObject } from '../auth/oidc/token.ts';
import { DirectoryError } from '../ports/directory.ts';
import type { FoundPerson, People, PersonKeys, Search } from '../ports/people.ts';
import type { GraphConnection } from './graph-connection.ts';

export interface GraphPeopleOptions {
  /** Short domain names by the DNS name that Entra has of the synchronised domain, in lower case: `corp.example` to `CORP`. */
  readonly domains: Readonly<Record<string, string>>;
  /** Names for groups by their id, in lower case. They have the last word. */
  readonly groupNames: Readonly<Record<string, string>>;
  /** The name of a group that the table does not name: none (its id), that of the synchronised AD group, or what it is called. */
  readonly names: 'none' | 'on_premises' | 'display';
}

type Entry = Readonly<Record<string, unknown>>;
type Found = readonly Entry[] | { readonly why: string };

const userProperties =
  'id,userPrincipalName,displayName,mail,accountEnabled,onPremisesSecurityIdentifier,onPremisesSamAccountName,onPremisesDomainName';
const groupProperties = 'id,displayName,securityEnabled,onPremisesSamAccountName,onPremisesSecurityIdentifier';

/** A page has up to 999 groups. */
const maxPages = 20;
const maxGroups = 5_000;

/** People as the application may see them. Remembers nothing. */
export function graphPeople(connection: GraphConnection, options: GraphPeopleOptions): People {
  const { domains } = options;

  async function fitting(filter: string, fits: (entry: Entry) => boolean, now: number): Promise<readonly Entry[]> {
    const query = `$select=${userProperties}&$filter=${encodeURIComponent(filter)}&$count=true&$top=3`;
    const answer = await connection.get(`/v1.0/users?${query}`, now, { ConsistencyLevel: 'eventual' });
    // Compared once more: what a server takes for equal is its own affair.
    return answer.kind === 'none' ? [] : listOf(answer.value).filter(fits);
  }

  async function byUpn(upn: string, now: number): Promise<readonly Entry[]> {
    // Graph asks for this form where a name begins with a dollar sign; it is right for all of them.
    const key = encodeURIComponent(upn.replaceAll("'", "''"));
    const answer = await connection.get(`/v1.0/users('${key}')?$select=${userProperties}`, now);
    return answer.kind === 'ok' && same(textOf(answer.value, 'userPrincipalName'), upn) ? [answer.value] : [];
  }

  async function byAccount(
    { domain, name }: NonNullable<PersonKeys['account']>,
    now: number,
  ): Promise<readonly Entry[] | { readonly why: string }> {
    const own = Object.entries(domains).flatMap(([dns, short]) => (same(short, domain) ? [dns] : []));
    if (own.length === 0) return { why: `directory.graph.domains does not say which domain ${domain} is` };
    const fits = (entry: Entry): boolean =>
      same(textOf(entry, 'onPremisesSamAccountName'), name) &&
      own.some((dns) => same(textOf(entry, 'onPremisesDomainName'), dns));
    return fitting(`onPremisesSamAccountName eq ${quoted(name)}`, fits, now);
  }

  async function entriesFor({ sid, upn, account }: PersonKeys, now: number): Promise<Found> {
    if (sid !== undefined)
      return fitting(
        `onPremisesSecurityIdentifier eq ${quoted(sid)}`,
        (entry) => textOf(entry, 'onPremisesSecurityIdentifier') === sid,
        now,
      );
    const found = upn === undefined ? [] : await byUpn(upn, now);
    if (account === undefined) return found;
    const named = await byAccount(account, now);
    // A UPN says enough where the short name of the domain is not known here.
    if ('why' in named) return found.length > 0 ? found : named;
    return [...new Map([...found, ...named].map((entry) => [textOf(entry, 'id'), entry])).values()];
  }

  async function groupsOf(id: string, now: number): Promise<NonNullable<FoundPerson['groups']>> {
    const groups: { readonly sid: string | undefined; readonly name: string | undefined }[] = [];
    let next: string | undefined =
      `/v1.0/users/${encodeURIComponent(id)}/transitiveMemberOf/microsoft.graph.group?$select=${groupProperties}&$top=999`;
    for (let page = 0; next !== undefined; page++) {
      if (page >= maxPages) throw faulty(`a person's groups fill more than ${maxPages} pages`);
      const answer = await connection.get(next, now);
      if (answer.kind === 'none') throw faulty('the person is gone while their groups are asked for');
      for (const entry of listOf(answer.value)) {
        const group = groupOf(entry, options);
        if (group !== undefined) groups.push(group);
      }
      if (groups.length > maxGroups) throw faulty(`a person has more than ${maxGroups} groups`);
      next = nextOf(answer.value);
    }
    return groups;
  }

  return {
    async find(keys, now): Promise<Search> {
      const entries = await entriesFor(keys, now);
      if ('why' in entries) return { kind: 'none', why: entries.why };
      const [entry, ...more] = entries;
      if (entry === undefined) return { kind: 'none', why: 'Entra knows no such account' };
      if (more.length > 0) return { kind: 'several', why: 'more than one account in Entra fits' };
      const id = textOf(entry, 'id');
      if (id === undefined) throw faulty('an account has no id');
      const person = personOf(entry, domains);
      // A disabled account needs no groups: it is not let in.
      const groups = person.state === 'active' ? await groupsOf(id, now) : undefined;
      return { kind: 'found', person: { ...person, groups } };
    },
  };
}

function personOf(entry: Entry, domains: GraphPeopleOptions['domains']): Omit<FoundPerson, 'groups'> {
  const enabled = entry['accountEnabled'];
  const name = textOf(entry, 'onPremisesSamAccountName');
  const domain = domains[textOf(entry, 'onPremisesDomainName')?.toLowerCase() ?? ''];
  return {
    sid: textOf(entry, 'onPremisesSecurityIdentifier'),
    account: name === undefined || domain === undefined ? undefined : `${domain}\\${name}`,
    upn: textOf(entry, 'userPrincipalName'),
    name: textOf(entry, 'displayName'),
    email: textOf(entry, 'mail'),
    state: enabled === true ? 'active' : enabled === false ? 'disabled' : 'unknown',
  };
}

/** `undefined` for a list of addressees, which gives no rights. */
function groupOf(
  entry: Entry,
  { groupNames, names }: GraphPeopleOptions,
): { readonly sid: string | undefined; readonly name: string } | undefined {
  const id = textOf(entry, 'id');
  const security = entry['securityEnabled'];
  if (id === undefined) throw faulty('a group has no id');
  // Graph gives ids and nothing else of what the application may not read.
  if (typeof security !== 'boolean') throw faulty('the application may not read groups: it needs GroupMember.Read.All');
  if (!security) return undefined;
  const sid = textOf(entry, 'onPremisesSecurityIdentifier');
  const listed = named(id, groupNames);
  if (listed !== id || names === 'none') return { sid, name: listed };
  const own = textOf(entry, names === 'display' ? 'displayName' : 'onPremisesSamAccountName');
  // A group must not pass for an app role, nor for another group's id.
  return { sid, name: own === undefined || own.length > 256 ? id : named(own, {}) };
}

function listOf(answer: Entry): readonly Entry[] {
  const { value } = answer;
  if (!Array.isArray(value) || !value.every(isObject)) throw faulty('its answer has no list of objects');
  return value;
}

function nextOf(answer: Entry): string | undefined {
  const next = answer['@odata.nextLink'];
  if (next === undefined) return undefined;
  if (typeof next !== 'string' || next.startsWith('/')) throw faulty('its next page is no URL');
  return next;
}

function textOf(entry: Entry, name: string): string | undefined {
  const value = entry[name];
  return typeof value === 'string' && value !== '' && !/\p{Cc}/u.test(value) ? value : undefined;
}

/** A text in a filter (OData 4.01, 5.1.1.14.1): a quotation mark is doubled. */
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const faulty = (why: string): DirectoryError => new DirectoryError(`Cannot ask Microsoft Graph: ${why}`);

/** Windows does not tell upper from lower case in names. */
const same = (one: string | undefined, other: string): boolean => one !== undefined && folded(one) === folded(other);
const folded = (text: string): string => text.normalize('NFC').toLowerCase();
