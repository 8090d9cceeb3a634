/**
 * Active Directory over LDAP as a `Directory`: names for SIDs, particulars of people.
 *
 * Names are remembered; an old one serves while the server cannot be asked. That is
 * safe because it is only what a group or person is called. Who is in which group
 * (`people`) is remembered by whoever asks, with a limit to its age.
 *
 * Names come from the one domain below the base. Do not point it at a global
 * catalogue: two domains may each have a group of the same name.
 *
 * @module
 */
import { type Directory, DirectoryError, type Person } from '../ports/directory.ts';
import type { LdapConnectionOptions } from './ldap-connection.ts';
import {
  batches,
  groupAttributes,
  isSid,
  maxSidsPerFilter,
  personAttributes,
  readGroups,
  readPerson,
  sidFilter,
} from './ldap-entries.ts';
import { type LdapPeople, ldapPeople } from './ldap-people.ts';
import { PatientConnection } from './ldap-patience.ts';
import { LookupCache } from './lookup-cache.ts';

export interface LdapDirectoryOptions extends LdapConnectionOptions {
  /** How long answers are fresh; default ten minutes. */
  readonly cacheMs?: number;
  /** Told when the directory stops answering, and when it answers again. Must not throw. */
  readonly onTrouble?: (message: string) => void;
}

export interface LdapDirectory extends Directory {
  /** Asked over the same connection; remembers nothing. */
  readonly people: LdapPeople;
}

const freshAbsentMs = 60_000;
const maxEntries = 50_000;

/** Throws `DirectoryError` for options that cannot work; connects at the first question. */
export function ldapDirectory(options: LdapDirectoryOptions): LdapDirectory {
  const { cacheMs = 10 * 60_000, onTrouble = () => {} } = options;
  const limits = { freshMs: cacheMs, freshAbsentMs: Math.min(freshAbsentMs, cacheMs), maxEntries };
  const groups = new LookupCache<string>(limits);
  const persons = new LookupCache<Person>(limits);
  const connection = new PatientConnection(options, onTrouble);
  /** Questions under way, by SID, so that a thousand people who come at nine o'clock ask once. */
  const groupsAsked = new Map<string, Promise<void>>();
  const peopleAsked = new Map<string, Promise<void>>();

  async function fetchGroups(sids: readonly string[], now: number): Promise<void> {
    const question = { filter: sidFilter(sids), attributes: groupAttributes, sizeLimit: 2 * sids.length };
    const names = readGroups(await connection.search(question, now));
    for (const sid of sids) groups.set(sid, names.get(sid), now);
  }

  async function fetchPerson(sid: string, now: number): Promise<void> {
    const question = { filter: sidFilter([sid]), attributes: personAttributes, sizeLimit: 2 };
    persons.set(sid, readPerson(await connection.search(question, now)), now);
  }

  return {
    people: ldapPeople(connection),

    async groupNames(sids, now) {
      const wanted = [...new Set(sids)].filter(isSid);
      const due = wanted.filter((sid) => groups.get(sid, now)?.fresh !== true);
      const unasked = due.filter((sid) => !groupsAsked.has(sid));
      for (const batch of batches(unasked, maxSidsPerFilter)) share(groupsAsked, batch, fetchGroups(batch, now));
      const trouble = await settle(due.map((sid) => groupsAsked.get(sid)));

      const names = new Map<string, string>();
      for (const sid of wanted) {
        const name = groups.get(sid, now)?.value;
        if (name !== undefined) names.set(sid, name);
      }
      if (trouble !== undefined && wanted.some((sid) => groups.get(sid, now) === undefined))
        throw new DirectoryError(trouble.message, { cause: trouble, known: names });
      return names;
    },

    async person(sid, now) {
      if (!isSid(sid)) return undefined;
      if (persons.get(sid, now)?.fresh !== true) {
        if (!peopleAsked.has(sid)) share(peopleAsked, [sid], fetchPerson(sid, now));
        const trouble = await settle([peopleAsked.get(sid)]);
        if (trouble !== undefined && persons.get(sid, now) === undefined)
          throw new DirectoryError(trouble.message, { cause: trouble });
      }
      return persons.get(sid, now)?.value;
    },

    async ping() {
      // Everyone's SID: a question that every directory can answer, with one entry or none.
      await connection.searchNow({ filter: sidFilter(['S-1-1-0']), attributes: ['objectSid'], sizeLimit: 2 });
    },

    close: () => connection.close(),
  };
}

/** Notes a question under way for each of its keys until it has ended. */
function share(asked: Map<string, Promise<void>>, keys: readonly string[], question: Promise<void>): void {
  const done = question.finally(() => {
    for (const key of keys) asked.delete(key);
  });
  done.catch(() => {}); // whoever waits sees it; with nobody waiting it must not end the process
  for (const key of keys) asked.set(key, done);
}

/** Waits for all; the first `DirectoryError` among them is returned, anything else is thrown. */
async function settle(questions: readonly (Promise<void> | undefined)[]): Promise<DirectoryError | undefined> {
  let trouble: DirectoryError | undefined;
  const distinct = [...new Set(questions)].filter((question) => question !== undefined);
  for (const result of await Promise.allSettled(distinct)) {
    if (result.status === 'fulfilled') continue;
    if (!(result.reason instanceof DirectoryError)) throw result.reason;
    trouble ??= result.reason;
  }
  return trouble;
}
