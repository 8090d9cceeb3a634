/**
 * Sign-in with a name and a password against the users whom the operator has written
 * down. From outside, an unknown name and a wrong password look the same and cost
 * the same.
 *
 * @module
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Identity } from '../core/identity.ts';
import { defaultParameters, matchesHash, type PasswordHash, parsePasswordHash } from './password-hash.ts';
import { networkOf } from '../wire/cidr.ts';
import { Throttle } from './throttle.ts';
import { Turnstile } from './turnstile.ts';

export interface PasswordUser {
  readonly name: string;
  /** PHC string, see `password-hash.ts`. */
  readonly passwordHash: string;
  /** What apps get as the user; default: the canonical name. */
  readonly account?: string | undefined;
  readonly displayName?: string | undefined;
  readonly email?: string | undefined;
  readonly upn?: string | undefined;
  readonly groups: readonly string[];
}

export interface PasswordOptions {
  readonly users: readonly PasswordUser[];
  readonly lifetimeMs: number;
  /** Hashes computed at once; default 2 (of 64 MiB each). */
  readonly concurrency?: number;
  /** Sign-ins that may wait for their turn; default 64. */
  readonly maxWaiting?: number;
}

export type PasswordOutcome =
  | { readonly kind: 'accepted'; readonly identity: Identity }
  | {
      readonly kind: 'rejected';
      readonly reason: 'wrong-name-or-password' | 'throttled' | 'busy';
      /** For the audit log: tells what the person at the other end must not learn. */
      readonly detail: string;
      /** When it makes sense to try again; `undefined` for at once. */
      readonly retryAfterMs: number | undefined;
    };

export interface PasswordSource {
  /** `address` is the client's, for throttling. */
  signIn(name: string, password: string, address: string, now: number): Promise<PasswordOutcome>;
}

const windowMs = 5 * 60_000;
/** One person mistyping, from one place. */
const perNameAndAddress = { limit: 10, windowMs, maxKeys: 10_000 };
/** One place trying many names. Many people may share an address, so this is wider. */
const perAddress = { limit: 100, windowMs, maxKeys: 10_000 };
/** One name tried from many places: wide, or anyone could lock a colleague out. */
const perName = { limit: 200, windowMs, maxKeys: 10_000 };
const maxNameLength = 256;

/**
 * The one spelling of a user name: compatibility forms, case and surrounding space make no difference
 * (RFC 8265, 3.3 in spirit). Throttling, lookup and subject all use it, so respelling gains nothing (CVE-2026-47203).
 */
export function canonicalName(name: string): string {
  // By way of upper case, which folds what lower case alone keeps apart: the two small sigmas, ß and ss. Lower case
  // before that, because the capital ẞ stays itself in upper case.
  return name.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC').trim();
}

/** Throws `RangeError` for users that cannot work: a malformed hash, or two names that are the same one. */
export function passwordSource(options: PasswordOptions): PasswordSource {
  const users = new Map<string, { readonly user: PasswordUser; readonly hash: PasswordHash }>();
  for (const user of options.users) {
    const name = canonicalName(user.name);
    const parsed = parsePasswordHash(user.passwordHash);
    if (parsed.kind === 'wrong') throw new RangeError(`Cannot use password hash of user "${name}": ${parsed.reason}`);
    if (users.has(name)) throw new RangeError(`Cannot use user "${name}": another one has the same name`);
    users.set(name, { user, hash: parsed.hash });
  }
  const decoy = decoyHashes([...users.values()].map(({ hash }) => hash));
  const turnstile = new Turnstile(options.concurrency ?? 2, options.maxWaiting ?? 64);
  const pairs = new Throttle(perNameAndAddress);
  const addresses = new Throttle(perAddress);
  const names = new Throttle(perName);

  return {
    async signIn(given, password, from, now) {
      // Whoever has one IPv6 address has the 2^64 of its network.
      const address = networkOf(from);
      // A longer name is nobody's; cutting it keeps what is remembered about it small, also where one character becomes many.
      const name = canonicalName(given.slice(0, maxNameLength)).slice(0, maxNameLength);
      const pair = `${address} ${name}`;
      const retryAfterMs = Math.max(pairs.wait(pair, now), addresses.wait(address, now), names.wait(name, now));
      if (retryAfterMs > 0)
        return { kind: 'rejected', reason: 'throttled', detail: 'too many attempts in five minutes', retryAfterMs };
      pairs.begin(pair, now);
      addresses.begin(address, now);
      names.begin(name, now);

      const found = given.length > maxNameLength ? undefined : users.get(name);
      const matches = await turnstile.run(() => matchesHash(password, found?.hash ?? decoy(name)));
      if (matches === undefined || (matches.value && found !== undefined)) {
        addresses.forgive(address);
        names.forgive(name);
        if (matches === undefined) pairs.forgive(pair);
        else pairs.clear(pair);
      }
      if (matches === undefined)
        return { kind: 'rejected', reason: 'busy', detail: 'too many sign-ins at the same time', retryAfterMs: 1_000 };
      if (found === undefined) return wrong('no such user');
      if (!matches.value) return wrong('wrong password');
      return { kind: 'accepted', identity: identityOf(name, found.user, now, options.lifetimeMs) };
    },
  };
}

const wrong = (detail: string): PasswordOutcome => ({
  kind: 'rejected',
  reason: 'wrong-name-or-password',
  detail,
  retryAfterMs: undefined,
});

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
    expiresAt: now + lifetimeMs,
  };
}

/**
 * Hashes that no password matches, for unknown names, so that they cost what known ones do. Users may have
 * different parameters: each unknown name keeps to those of one user, chosen by the name with a key nobody knows.
 */
function decoyHashes(hashes: readonly PasswordHash[]): (name: string) => PasswordHash {
  const key = randomBytes(32);
  return (name) => {
    const digest = createHmac('sha256', key).update(name).digest();
    const like = hashes[digest.readUInt32LE() % Math.max(hashes.length, 1)] ?? defaultParameters;
    return { ...like, salt: digest.subarray(0, 16), hash: digest };
  };
}
