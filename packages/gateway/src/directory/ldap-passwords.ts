/**
 * Passwords against Active Directory: the account is looked up first, and then its own
 * distinguished name is used for a simple bind (RFC 4513, 5.1.3) on a connection of its own.
 *
 * Names are not handed to the server as they were typed: it tries what it gets as a UPN, an
 * account, a display name and more (MS-ADTS 5.1.1.1.1), and some of these people can choose
 * themselves.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { InvalidCredentialsError } from 'ldapts';
import { type AccountName, parseAccountName } from '../auth/account-name.ts';
import { localAttempts } from '../auth/local-attempts.ts';
import { Turnstile } from '../auth/turnstile.ts';
import type { Attempts, Limited } from '../ports/attempts.ts';
import type { Barred, PasswordDirectory, PasswordVerdict } from '../ports/password-directory.ts';
import type { PersonKeys } from '../ports/people.ts';
import { bindFault, connectLdap, ldapError, type LdapLine, type LdapServer } from './ldap-connect.ts';
import type { LdapDomain } from './ldap-domain.ts';
import type { LdapPeople, Located } from './ldap-people.ts';

export interface LdapPasswordOptions extends LdapServer {
  /** Of the same directory. */
  readonly people: LdapPeople;
  /** Counts wrong passwords; default: in this process alone. */
  readonly attempts?: Attempts | undefined;
  /** Passwords tried at the same time; default 8. */
  readonly concurrency?: number;
  /** Those that may wait for their turn; default 256. */
  readonly maxWaiting?: number;
}

/**
 * Active Directory's codes after a right password. It gives them for a wrong one neither here nor in Samba: 52e comes
 * first. 525 (no such user) and 775 (locked) come whatever the password is, and are as good as 52e for the person.
 */
const barredBy: Readonly<Record<string, Barred>> = {
  '530': 'not-at-this-time',
  '531': 'not-from-this-machine',
  '532': 'password-expired',
  '533': 'account-disabled',
  '701': 'account-expired',
  '773': 'password-must-change',
};

/** Wrong passwords that are left to their owner before the domain locks an account. */
const spareAttempts = 2;

/** Tells whether a password is right. */
export function ldapPasswords(options: LdapPasswordOptions): PasswordDirectory {
  const { people, attempts = localAttempts(), concurrency = 8, maxWaiting = 256 } = options;
  const turnstile = new Turnstile(concurrency, maxWaiting);

  async function bind(dn: string, password: string): Promise<'right' | InvalidCredentialsError> {
    let line: LdapLine | undefined;
    try {
      line = await connectLdap(options);
      await line.client.bind(dn, password);
      return 'right';
    } catch (error) {
      if (error instanceof InvalidCredentialsError) return error;
      throw ldapError(options.url, error instanceof Error ? error.message : 'unknown error', error);
    } finally {
      void line?.end();
    }
  }

  async function checkLocated(
    located: Located,
    domain: LdapDomain,
    password: string,
    now: number,
  ): Promise<PasswordVerdict> {
    const { sid, dn, account, upn, name, email } = located;
    const guard = guardOf(domain, sid);
    if (guard.length > 0 && (await attempts.begin(guard, now)) > 0) {
      await bind(nobody(domain), randomText());
      return wrong(`${account}: not asked, or the domain would soon lock the account`);
    }
    let result: 'right' | InvalidCredentialsError;
    try {
      result = await bind(dn, password);
    } catch (error) {
      await attempts.release({ forgive: guard, clear: [] });
      throw error;
    }
    if (result === 'right') {
      await attempts.release({ forgive: [], clear: guard });
      return { kind: 'right', sid, account, upn, name, email };
    }
    const { code, words } = bindFault(result);
    const reason = code === undefined ? undefined : barredBy[code];
    if (reason === undefined) return wrong(`${account}: ${words}`);
    await attempts.release({ forgive: [], clear: guard });
    return { kind: 'barred', reason, detail: `${account}: ${words}` };
  }

  async function check(name: string, password: string, now: number): Promise<PasswordVerdict> {
    const domain = await people.domain.get(now);
    const parsed = parse(name, domain);
    const keys = { ...keysOf(parsed ?? unknownName(domain)), sid: undefined, email: undefined };
    const location = await people.locate(keys, now);
    if (parsed !== undefined && location.kind === 'found') return checkLocated(location.located, domain, password, now);
    // The same steps as for somebody who is known, with no word of what was typed.
    await bind(nobody(domain), randomText());
    return wrong(location.kind === 'found' ? 'no such user' : location.why);
  }

  return {
    async check(name, password, now) {
      // RFC 4513, 5.1.2: the server would say yes, and mean nobody.
      if (password === '') return wrong('no password');
      const verdict = await turnstile.run(() => check(name, password, now));
      return verdict === undefined ? { kind: 'busy' } : verdict.value;
    },

    shortName(canonical) {
      const domain = people.domain.known;
      if (domain === undefined) return canonical;
      const prefix = `${domain.netbios.toLowerCase()}\\`;
      const suffix = `@${domain.dns}`;
      if (canonical.startsWith(prefix)) return canonical.slice(prefix.length);
      return canonical.endsWith(suffix) ? canonical.slice(0, -suffix.length) : canonical;
    },
  };
}

/** What somebody typed, read as a name of this domain where it names no other. Which account a UPN is, `people` knows. */
const parse = (name: string, { netbios }: LdapDomain): AccountName | undefined =>
  parseAccountName(name.trim(), { defaultDomain: netbios });

/** By what wrong passwords are counted, so that nobody's Windows account is locked by way of our form; nothing where domains lock none. */
function guardOf({ lockoutThreshold, lockoutWindowMs: windowMs }: LdapDomain, sid: string): readonly Limited[] {
  if (lockoutThreshold === 0) return [];
  return [{ kind: 'domain-lockout', key: sid, limit: Math.max(1, lockoutThreshold - spareAttempts), windowMs }];
}

/** A name in the form of a UPN has no account in it. */
function keysOf({ account, upn }: Pick<AccountName, 'account' | 'upn'>): Pick<PersonKeys, 'account' | 'upn'> {
  const [domain = '', name] = account.split('\\');
  return { upn, account: name === undefined ? undefined : { domain, name } };
}

const unknownName = ({ netbios }: LdapDomain): Pick<AccountName, 'account' | 'upn'> => ({
  account: `${netbios}\\${nobodyName}`,
  upn: undefined,
});

const nobodyName = 'cardea-nobody';
const nobody = ({ dn }: LdapDomain): string => `CN=${nobodyName},${dn}`;
const randomText = (): string => randomBytes(12).toString('base64url');

const wrong = (detail: string): PasswordVerdict => ({ kind: 'wrong', detail });
