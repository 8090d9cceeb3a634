/**
 * The users whom the operator has written down, with the hashes of their passwords.
 *
 * @module
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { StrongerHashes } from '../ports/stronger-hashes.ts';
import { canonicalName } from './canonical-name.ts';
import {
  defaultParameters,
  type HashParameters,
  hashPassword,
  matchesHash,
  type PasswordHash,
  parsePasswordHash,
} from './password-hash.ts';

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

export interface PasswordUsersOptions {
  readonly users: readonly PasswordUser[];
  /** A hash with less memory or fewer passes is made anew when its owner signs in. Without: none is. */
  readonly parameters?: HashParameters | undefined;
  readonly stronger?: StrongerHashes | undefined;
  /** Told when a hash that was made anew cannot be kept. Nobody's sign-in fails for it. */
  readonly onTrouble?: ((message: string) => void) | undefined;
}

interface Entry {
  readonly user: PasswordUser;
  /** Of the hash in the users file. */
  readonly digest: string;
  hash: PasswordHash;
}

/** Users by canonical name. */
export class PasswordUsers {
  readonly #options: PasswordUsersOptions;
  readonly #users = new Map<string, Entry>();
  readonly #entries: readonly Entry[];
  readonly #decoyKey = randomBytes(32);

  /** Throws `RangeError` for users that cannot work: a malformed hash, or two names that are the same one. */
  constructor(options: PasswordUsersOptions) {
    this.#options = options;
    for (const user of options.users) {
      const name = canonicalName(user.name);
      const parsed = parsePasswordHash(user.passwordHash);
      if (parsed.kind === 'wrong') throw new RangeError(`Cannot use password hash of user "${name}": ${parsed.reason}`);
      if (this.#users.has(name)) throw new RangeError(`Cannot use user "${name}": another one has the same name`);
      const digest = digestOf(user.passwordHash);
      const newer = options.stronger?.find(name, digest);
      const stronger = newer === undefined ? undefined : parsePasswordHash(newer);
      this.#users.set(name, { user, digest, hash: stronger?.kind === 'ok' ? stronger.hash : parsed.hash });
    }
    this.#entries = [...this.#users.values()];
    options.stronger?.keepOnly([...this.#users].map(([name, { digest }]) => ({ name, replaces: digest })));
  }

  get size(): number {
    return this.#users.size;
  }

  has(name: string): boolean {
    return this.#users.has(name);
  }

  /** The user, if this is their password. A name that nobody has costs what one of theirs does. */
  async check(name: string, password: string): Promise<PasswordUser | undefined> {
    const entry = this.#users.get(name);
    // Made for everybody, so that making it takes no time of its own.
    const decoy = this.#decoy(name);
    const matches = await matchesHash(password, entry?.hash ?? decoy);
    if (entry === undefined || !matches) return undefined;
    await this.#strengthen(name, entry, password);
    return entry.user;
  }

  async #strengthen(name: string, entry: Entry, password: string): Promise<void> {
    const { parameters, stronger, onTrouble } = this.#options;
    const { hash } = entry;
    if (stronger === undefined || parameters === undefined) return;
    if (hash.memory >= parameters.memory && hash.passes >= parameters.passes) return;
    // Neither of the two ever becomes less.
    const higher = {
      memory: Math.max(hash.memory, parameters.memory),
      passes: Math.max(hash.passes, parameters.passes),
      parallelism: parameters.parallelism,
    };
    try {
      const text = await hashPassword(password, higher);
      stronger.put(name, entry.digest, text);
      const parsed = parsePasswordHash(text);
      if (parsed.kind === 'ok') entry.hash = parsed.hash;
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown error';
      onTrouble?.(`Cannot keep the stronger password hash of user "${name}": ${why}`);
    }
  }

  /**
   * A hash that no password matches, for a name that nobody has. Users may have different parameters: each unknown name
   * keeps to those of one user, chosen by the name with a key nobody knows.
   */
  #decoy(name: string): PasswordHash {
    const digest = createHmac('sha256', this.#decoyKey).update(name).digest();
    const like = this.#entries[digest.readUInt32LE() % Math.max(this.#entries.length, 1)]?.hash ?? defaultParameters;
    return { ...like, salt: digest.subarray(0, 16), hash: digest };
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');
