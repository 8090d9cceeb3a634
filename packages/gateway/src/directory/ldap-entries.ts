/**
 * LDAP questions and answers about SIDs, as data: filters (RFC 4511, 4.5.1.7) out,
 * entries in.
 *
 * @module
 */
import { sidFromBytes, sidToBytes } from '@cardea/kerberos';
import { type Entry, EqualityFilter, type Filter, OrFilter } from 'ldapts';
import type { Person } from '../ports/directory.ts';
import type { AccountState } from '../ports/people.ts';

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
    const sid = sidOf(entry);
    if (name !== undefined && sid !== undefined) names.set(sid, name);
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

/** The entry's own SID. */
export function sidOf(entry: Entry): string | undefined {
  return sidsOf(entry, 'objectSid')[0];
}

/** All values of an attribute that holds SIDs. */
export function sidsOf(entry: Entry, attribute: string): readonly string[] {
  const value = entry[attribute];
  const values = Array.isArray(value) ? value : [value];
  return values.flatMap((each) => (Buffer.isBuffer(each) ? [sidFromBytes(each)] : []));
}

/** MS-ADTS 2.2.16: bits of userAccountControl. */
const disabledBit = 0x2;
const lockoutBit = 0x10;
/** MS-ADTS 2.2.1.26: both of them say "never". */
const neverExpires = new Set(['0', '9223372036854775807']);
/** Milliseconds from 1601, where Windows begins to count, to 1970. */
const windowsEpochMs = 11_644_473_600_000n;

/** Whether the account is good for signing in now, worst first. */
export function accountStateOf(entry: Entry, now: number): AccountState {
  const control = textOf(entry, 'userAccountControl');
  if (control === undefined || !/^-?[0-9]+$/.test(control)) return 'unknown';
  if ((Number(control) & disabledBit) !== 0) return 'disabled';
  const expires = textOf(entry, 'accountExpires') ?? '0';
  if (!/^[0-9]+$/.test(expires)) return 'unknown';
  if (!neverExpires.has(expires) && BigInt(expires) / 10_000n - windowsEpochMs <= BigInt(Math.floor(now)))
    return 'expired';
  // Computed by the domain controller, who knows when a lockout ends.
  const computed = Number(textOf(entry, 'msDS-User-Account-Control-Computed') ?? 0);
  return (computed & lockoutBit) === 0 ? 'active' : 'locked';
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
