/**
 * All groups of a person, from a directory, for sign-in methods that only say who it is.
 *
 * An answer is fresh for a while. When the directory is down, the last one serves for
 * longer, with a limit: who left the company while nobody could be asked must not keep
 * their groups for ever.
 *
 * @module
 */
import type { Identity } from '../core/identity.ts';
import { type Directory, DirectoryError } from '../ports/directory.ts';
import type { FoundPerson, People, PersonKeys, Search } from '../ports/people.ts';
import type { Outdated } from './outdated.ts';
import { Turnstile } from './turnstile.ts';

export interface MembershipsOptions {
  readonly people: People;
  /** Names for those groups that come as SIDs. */
  readonly names: Directory | undefined;
  /** How long an answer is not asked for again. */
  readonly freshMs: number;
  /** How long an answer serves while the directory cannot be asked, counted from when it was given. */
  readonly keepMs: number;
  /** Whether e-mail addresses of sign-in methods are believed. */
  readonly matchEmail: boolean;
  /** People of whom no answer of before is fresh. */
  readonly outdated?: Pick<Outdated, 'covers'> | undefined;
  /** People remembered at most; default 10,000. */
  readonly maxEntries?: number;
  /** People asked about at the same time; default 8. */
  readonly concurrency?: number;
  /** People who may wait for their turn; default 1,000. */
  readonly maxWaiting?: number;
}

export interface LookedUp {
  /** With the groups that the person has, and with name, e-mail address and UPN where the method gave none. */
  readonly identity: Identity;
  /** For the audit log: why groups are missing, or how old they are. */
  readonly note: string | undefined;
  /** Why the person may not be signed in at all, and a session of theirs has to end: the account is disabled or has expired. */
  readonly barred: string | undefined;
  /**
   * What the directory has said. `unavailable`: it could not be asked, and no answer of before is there to serve. Absent where
   * there was nothing to ask it.
   */
  readonly answer?: 'found' | 'none' | 'several' | 'unavailable';
  /** Some of the groups have no name because the directory could not be asked for it. */
  readonly namesMissing?: boolean;
}

/** Somebody has proven who they are, and may not be signed in nevertheless. The message says why, for the administrator. */
export class AccountBarred extends Error {
  override readonly name = 'AccountBarred';
  /** The sign-in method. */
  readonly method: string;

  constructor(why: string, method: string) {
    super(why);
    this.method = method;
  }
}

/** Never fails for a directory that is down: there are no groups then, or those that were last known. */
export type LookUpGroups = (identity: Identity, now: number) => Promise<LookedUp>;

interface Answer {
  readonly search: Search;
  readonly at: number;
}

/** Somebody may be about to add an account that is not there yet. */
const freshAbsentMs = 60_000;

/** Looks people up, and remembers what it has found. */
export function memberships(options: MembershipsOptions): LookUpGroups {
  const { people, names, freshMs, keepMs, matchEmail, maxEntries = 10_000 } = options;
  const turnstile = new Turnstile(options.concurrency ?? 8, options.maxWaiting ?? 1_000);
  /** By what was asked for, oldest answer first. */
  const answers = new Map<string, Answer>();
  /** Questions under way: a page that opens with thirty requests asks once. */
  const asked = new Map<string, { readonly answer: Promise<Answer>; readonly at: number }>();

  async function ask(key: string, keys: PersonKeys, now: number): Promise<Answer> {
    const found = await turnstile.run(() => people.find(keys, now));
    if (found === undefined) throw new DirectoryError('Cannot ask directory: too many people are being looked up');
    const answer: Answer = { search: found.value, at: now };
    // A question that was asked later may have been answered sooner.
    if ((answers.get(key)?.at ?? now) > now) return answer;
    answers.delete(key);
    answers.set(key, answer);
    const [oldest] = answers.keys();
    if (answers.size > maxEntries && oldest !== undefined) answers.delete(oldest);
    return answer;
  }

  function current(key: string, keys: PersonKeys, subject: string, now: number): Promise<Answer> {
    const underWay = asked.get(key);
    if (underWay !== undefined && !isOutdated(subject, underWay.at, now)) return underWay.answer;
    const question = {
      at: now,
      answer: ask(key, keys, now).finally(() => {
        if (asked.get(key) === question) asked.delete(key);
      }),
    };
    asked.set(key, question);
    return question.answer;
  }

  const isOutdated = (subject: string, at: number, now: number): boolean =>
    options.outdated?.covers(subject, at, now) === true;

  const isFresh = ({ search, at }: Answer, subject: string, now: number): boolean =>
    now - at < (search.kind === 'found' ? freshMs : Math.min(freshAbsentMs, freshMs)) && !isOutdated(subject, at, now);

  return async (identity, now) => {
    const keys = keysOf(identity, matchEmail);
    if (keys === undefined)
      return without(identity, 'the sign-in method says nothing that the directory knows people by');
    const key = JSON.stringify(keys);
    let answer = answers.get(key);
    let age: string | undefined;
    const { subject } = identity;
    if (answer === undefined || !isFresh(answer, subject, now)) {
      try {
        answer = await current(key, keys, subject, now);
      } catch (error) {
        if (!(error instanceof DirectoryError)) throw error;
        if (answer === undefined || now - answer.at >= keepMs)
          return { ...without(identity, error.message), answer: 'unavailable' };
        age = `groups are those of ${new Date(answer.at).toISOString()}: ${error.message}`;
      }
    }
    const { search } = answer;
    if (search.kind !== 'found') return { ...without(identity, joined(search.why, age)), answer: search.kind };
    return { ...(await withGroups(identity, search.person, names, age, now)), answer: 'found' };
  };
}

const accountName = /^([^\\@]+)\\([^\\]+)$/;

/** Methods whose accounts come out of claims (`oidc/claims.ts`). */
const ofClaims: ReadonlySet<string> = new Set(['oidc', 'bearer']);

/** What the directory may find somebody by; `undefined` when there is nothing. */
export function keysOf(
  { subject, account, upn, email, method }: Identity,
  matchEmail: boolean,
): PersonKeys | undefined {
  // A SID is exact: an account that has been renamed is the same one, and another one of its old name is not.
  if (subject.startsWith('S-1-')) return { sid: subject, upn: undefined, account: undefined, email: undefined };
  const [, domain, name] = accountName.exec(account) ?? [];
  const keys: PersonKeys = {
    sid: undefined,
    // Claims have said what is a UPN: people can perhaps write their account there themselves.
    upn: upn ?? (!ofClaims.has(method) && /^[^\\@]+@[^\\@]+$/.test(account) ? account : undefined),
    account: domain === undefined || name === undefined ? undefined : { domain, name },
    email: matchEmail ? email : undefined,
  };
  return keys.upn === undefined && keys.account === undefined && keys.email === undefined ? undefined : keys;
}

async function withGroups(
  identity: Identity,
  person: FoundPerson,
  directory: Directory | undefined,
  age: string | undefined,
  now: number,
): Promise<LookedUp> {
  const { state, groups } = person;
  const known: Identity = {
    ...identity,
    name: identity.name ?? person.name,
    email: identity.email ?? person.email,
    upn: identity.upn ?? person.upn,
  };
  if (state === 'disabled') return { ...without(known, age), barred: 'the account is disabled in the directory' };
  if (state === 'expired') return { ...without(known, age), barred: 'the account has expired in the directory' };
  // Whoever types wrong passwords locks an account: that must not throw its owner out, nor does it vouch for them.
  if (state === 'locked') return without(known, joined('the account is locked in the directory', age));
  if (state === 'unknown')
    return without(known, joined('the directory does not show us whether the account is disabled', age));
  if (groups === undefined)
    return without(known, joined('the directory does not show us the groups of the account (tokenGroups)', age));

  const sids = groups.flatMap(({ sid }) => sid ?? []);
  const unnamed = groups.flatMap(({ sid, name }) => (sid !== undefined && name === undefined ? [sid] : []));
  let found: ReadonlyMap<string, string> = new Map();
  let trouble: string | undefined;
  if (directory !== undefined && unnamed.length > 0) {
    try {
      found = await directory.groupNames(unnamed, now);
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error;
      found = error.known;
      trouble = `${unnamed.length - found.size} of ${groups.length} groups have no name: ${error.message}`;
    }
  }
  const all = groups.flatMap(({ sid, name }) => name ?? (sid === undefined ? undefined : found.get(sid)) ?? []);
  return {
    identity: { ...known, sids, groups: [...new Set(all)] },
    note: joined(age, trouble),
    barred: undefined,
    ...(trouble === undefined ? {} : { namesMissing: true }),
  };
}

/** The same person without any group. */
const without = (identity: Identity, note: string | undefined): LookedUp => ({
  identity: { ...identity, sids: [], groups: [] },
  note: note === undefined ? undefined : `no groups: ${note}`,
  barred: undefined,
});

function joined(...texts: readonly (string | undefined)[]): string | undefined {
  const said = texts.filter((text) => text !== undefined);
  return said.length === 0 ? undefined : said.join('; ');
}
