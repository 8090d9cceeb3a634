/**
 * Sign-in with a name and a password: first by the users whom the operator has written
 * down, then by a directory. From outside, an unknown name and a wrong password look the
 * same and take the same time.
 *
 * @module
 */
import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Identity } from '../core/identity.ts';
import { DirectoryError } from '../ports/directory.ts';
import type { Attempts } from '../ports/attempts.ts';
import type { Barred, PasswordDirectory, PasswordVerdict } from '../ports/password-directory.ts';
import { networkOf } from '../wire/cidr.ts';
import { canonicalName } from './canonical-name.ts';
import { maxPasswordLength } from './password-hash.ts';
import { type PasswordUser, PasswordUsers, type PasswordUsersOptions } from './password-users.ts';
import { localAttempts } from './local-attempts.ts';
import { Turnstile } from './turnstile.ts';

export interface PasswordOptions extends PasswordUsersOptions {
  readonly lifetimeMs: number;
  /** Asked about names that are not among the users. */
  readonly directory?: PasswordDirectory | undefined;
  /** The groups of the users are those of the directory as well, not those of the users file. */
  readonly lookUpGroups?: boolean | undefined;
  /**
   * With a directory, refusals come shortly after whole multiples of this, because the directory itself is quicker about some names
   * than about others. Default 250 ms.
   */
  readonly refusalStepMs?: number | undefined;
  /** Counts attempts; default: in this process alone. */
  readonly attempts?: Attempts | undefined;
  /** Hashes computed at once; default 2 (of 64 MiB each). */
  readonly concurrency?: number;
  /** Sign-ins that may wait for their turn; default 64. */
  readonly maxWaiting?: number;
}

export type PasswordOutcome =
  | {
      readonly kind: 'accepted';
      readonly identity: Identity;
      /** The groups are those of the directory, which is to be asked for them. */
      readonly lookUpGroups: boolean;
    }
  | {
      readonly kind: 'rejected';
      /** `Barred`: the password was right, and the person may be told why it does not help. */
      readonly reason: 'wrong-name-or-password' | 'throttled' | 'busy' | 'unavailable' | Barred;
      /** For the audit log: tells what the person at the other end must not learn. */
      readonly detail: string;
      /** When it makes sense to try again; `undefined` for at once. */
      readonly retryAfterMs: number | undefined;
    };

export interface PasswordSource {
  /** `address` is the client's, for throttling. */
  signIn(name: string, password: string, address: string, now: number): Promise<PasswordOutcome>;
}

/** A source whose users may become others while it is in use. */
export interface ReplaceablePasswordSource extends PasswordSource {
  /** For sign-ins that begin from now on. Throws `RangeError` for users that cannot work, and nothing changes. */
  replaceUsers(users: readonly PasswordUser[]): void;
}

const windowMs = 5 * 60_000;
/** One person mistyping, from one place. */
const perNameAndAddress = { kind: 'name-and-address', limit: 10, windowMs } as const;
/** One place trying many names. Many people may share an address, so this is wider. */
const perAddress = { kind: 'address', limit: 100, windowMs } as const;
/** One name tried from many places: wide, or anyone could lock a colleague out. */
const perName = { kind: 'name', limit: 200, windowMs } as const;
const maxNameLength = 256;

/** Throws `RangeError` for users that cannot work: a malformed hash, or two names that are the same one. */
export function passwordSource(options: PasswordOptions): ReplaceablePasswordSource {
  const { directory, lifetimeMs, lookUpGroups = false, refusalStepMs = 250, attempts = localAttempts() } = options;
  let newest = new PasswordUsers(options);
  const turnstile = new Turnstile(options.concurrency ?? 2, options.maxWaiting ?? 64);

  /** A directory alone needs no hash to be computed: there is nobody whose time it would have to take. */
  const checkUsers = (
    users: PasswordUsers,
    name: string,
    password: string,
  ): ReturnType<typeof turnstile.run<PasswordUser | undefined>> =>
    users.size === 0 && directory !== undefined
      ? Promise.resolve({ value: undefined })
      : turnstile.run(() => users.check(name, password));

  return {
    replaceUsers(users) {
      newest = new PasswordUsers({ ...options, users });
    },

    async signIn(given, password, from, now) {
      const users = newest; // one list from the beginning of a sign-in to its end
      // Whoever has one IPv6 address has the 2^64 of its network.
      const address = networkOf(from);
      // A longer name is nobody's; cutting it keeps what is remembered about it small, also where one character becomes many.
      const name = canonicalName(given.slice(0, maxNameLength)).slice(0, maxNameLength);
      const key = directory?.shortName(name) ?? name;
      const pair = { ...perNameAndAddress, key: `${address} ${key}` };
      const wider = [
        { ...perAddress, key: address },
        { ...perName, key },
      ];
      const retryAfterMs = await attempts.begin([pair, ...wider], now);
      if (retryAfterMs > 0) return refused('throttled', 'too many attempts in five minutes', retryAfterMs);
      const start = performance.now();

      const tooLong = given.length > maxNameLength || password.length > maxPasswordLength;
      const ownName = tooLong ? '' : name;
      // About our own users the directory learns nothing; it is asked about somebody else, who takes the same time.
      const foreign = !tooLong && !users.has(name);
      const asked = directory && (foreign ? ask(directory, given, password, now) : askInVain(directory, now));
      asked?.catch(() => {}); // nobody waits for it when one of our own users has signed in
      const checked = await checkUsers(users, ownName, password);
      const user = checked?.value;
      const verdict = user === undefined ? await asked : undefined;
      const right = user !== undefined || verdict?.kind === 'right' || verdict?.kind === 'barred';
      if (right) await attempts.release({ forgive: wider, clear: [pair] });
      else if (checked === undefined) await attempts.release({ forgive: [pair, ...wider], clear: [] });
      if (checked === undefined) return refused('busy', 'too many sign-ins at the same time', 1_000);
      if (user !== undefined)
        return { kind: 'accepted', identity: identityOf(name, user, now, lifetimeMs), lookUpGroups };
      if (verdict?.kind === 'right')
        return { kind: 'accepted', identity: identityFrom(verdict, now, lifetimeMs), lookUpGroups: true };
      if (verdict?.kind === 'barred') return refused(verdict.reason, verdict.detail);
      if (verdict !== undefined) await stepEnd(start, refusalStepMs);
      if (verdict?.kind === 'busy') return refused('busy', 'the directory is asked about too many at once', 1_000);
      if (verdict?.kind === 'unavailable') return refused('unavailable', verdict.detail, 5_000);
      if (users.has(name)) return refused('wrong-name-or-password', 'wrong password');
      return refused('wrong-name-or-password', verdict?.detail ?? 'no such user');
    },
  };
}

/** What the directory says; that it cannot be asked is an answer as well. */
async function ask(
  directory: PasswordDirectory,
  name: string,
  password: string,
  now: number,
): Promise<PasswordVerdict | { readonly kind: 'unavailable'; readonly detail: string }> {
  try {
    return await directory.check(name, password, now);
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error;
    return { kind: 'unavailable', detail: error.message };
  }
}

/** The same steps with a name and a password that nobody has: nobody is signed in by it, whatever the directory says. */
async function askInVain(directory: PasswordDirectory, now: number): ReturnType<typeof ask> {
  const verdict = await ask(directory, nobody(), nobody(), now);
  return verdict.kind === 'right' || verdict.kind === 'barred' ? { kind: 'wrong', detail: 'wrong password' } : verdict;
}

/** A name, or a password, that nobody has. */
const nobody = (): string => `cardea-${randomBytes(12).toString('base64url')}`;

/** Waits until a whole number of steps has passed since `start`, and up to a tenth of one more, since timers are not exact. */
async function stepEnd(start: number, stepMs: number): Promise<void> {
  const spent = performance.now() - start;
  const blur = (randomInt(1_000_000) / 1_000_000) * (stepMs / 10);
  await delay(Math.ceil(spent / stepMs) * stepMs - spent + blur);
}

const refused = (
  reason: Extract<PasswordOutcome, { kind: 'rejected' }>['reason'],
  detail: string,
  retryAfterMs?: number,
): PasswordOutcome => ({ kind: 'rejected', reason, detail, retryAfterMs });

function identityOf(name: string, user: PasswordUser, now: number, lifetimeMs: number): Identity {
  return {
    subject: `password:${name}`,
    account: user.account ?? name,
    upn: user.upn,
    name: user.displayName,
    email: user.email,
    sids: [],
    groups: [...new Set(user.groups)],
    method: 'password',
    authenticatedAt: now,
    provenAt: now,
    expiresAt: now + lifetimeMs,
  };
}

/** Without groups: those are looked up, now and during the session. */
function identityFrom(
  { sid, account, upn, name, email }: Extract<PasswordVerdict, { kind: 'right' }>,
  now: number,
  lifetimeMs: number,
): Identity {
  return {
    subject: sid,
    account,
    upn,
    name,
    email,
    sids: [],
    groups: [],
    method: 'password',
    authenticatedAt: now,
    provenAt: now,
    expiresAt: now + lifetimeMs,
  };
}
