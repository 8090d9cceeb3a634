/**
 * LDAP questions and answers about SIDs, as data: filters (RFC 4511, 4.5.1.7) out,
 * entries in.
 *
 * @module
 */
import { sidFromBytes, sidToBytes } from '@cardea/kerberos';
import { type Entry, EqualityFilter, type Filter, OrFilter } from 'ldapts';
import type { Person } from '../ports/directory.ts';

/** Alternatives in one filter: well below what servers limit, and one answer stays within one packet or two. */
export const maxSidsPerFilter = 100;

/** Attributes that `readGroups` needs. */
export const groupAttributes: readonly string[] = ['objectSid', 'sAMAccountName'];

/** Attributes that `readPerson` needs. */
export const personAttributes: readonly string[] = ['displayName', 'mail', 'userPrincipalName'];

/**
 * The filter for these SIDs, as bytes: on the wire `(objectSid=\01\05...)`, which every server understands,
 * while the text form in a filter is Active Directory's own.
 */
export function sidFilter(sids: readonly string[]): Filter {
  const filters = sids.map(
    (sid) => new EqualityFilter({ attribute: 'objectSid', value: Buffer.from(sidToBytes(sid)) }),
  );
  const [only] = filters;
  return filters.length === 1 && only !== undefined ? only : new OrFilter({ filters });
}

/** Is this a SID that can be asked for? Others (MIT names, garbage in a table) are nobody's. */
export function isSid(text: string): boolean {
  try {
    sidToBytes(text);
    return true;
  } catch {
    return false;
  }
}

/** Lists in pieces of at most `size`. */
export function batches<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** Names by SID. Entries without either (such as foreign security principals) are left out. */
export function readGroups(entries: readonly Entry[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const entry of entries) {
    const name = textOf(entry, 'sAMAccountName');
    const sid = first(entry, 'objectSid');
    if (name !== undefined && Buffer.isBuffer(sid)) names.set(sidFromBytes(sid), name);
  }
  return names;
}

/** The first entry's particulars. A SID belongs to one entry, so there are no others. */
export function readPerson(entries: readonly Entry[]): Person | undefined {
  const [entry] = entries;
  if (entry === undefined) return undefined;
  return {
    name: textOf(entry, 'displayName'),
    email: textOf(entry, 'mail'),
    upn: textOf(entry, 'userPrincipalName'),
  };
}

/** The first value of an attribute as text; `undefined` when there is none or it is empty. */
export function textOf(entry: Entry, attribute: string): string | undefined {
  const value = first(entry, attribute);
  const text = Buffer.isBuffer(value) ? value.toString('utf8') : value;
  return text === '' ? undefined : text;
}

function first(entry: Entry, attribute: string): Buffer | string | undefined {
  const value = entry[attribute];
  return Array.isArray(value) ? value[0] : value;
}
