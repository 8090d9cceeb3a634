import { type LookUpGroups, memberships } from '../auth/memberships.ts';
import type { Config } from '../config/schema.ts';
import { chainDirectories } from '../directory/chain.ts';
import { type LdapDirectory, type LdapDirectoryOptions, ldapDirectory } from '../directory/ldap.ts';
import { ldapPasswords } from '../directory/ldap-passwords.ts';
import { tableDirectory } from '../directory/table.ts';
import type { Directory } from '../ports/directory.ts';
import type { PasswordDirectory } from '../ports/password-directory.ts';
import type { Read } from './read.ts';

/** Every directory of the configuration as one. */
export interface OpenDirectory extends Directory {
  /** The one that knows people, and which groups they are in. */
  readonly ldap: LdapDirectory | undefined;
}

/** `undefined` without any. */
export function openDirectory(
  config: Config,
  read: Read,
  onTrouble: (message: string) => void,
): OpenDirectory | undefined {
  const { groups } = config.directory;
  const options = ldapOptions(config, read, onTrouble);
  const ldap = options && ldapDirectory(options);
  const directories: Directory[] = Object.keys(groups).length > 0 ? [tableDirectory(groups)] : [];
  if (ldap !== undefined) directories.push(ldap);
  return directories.length === 0 ? undefined : { ...chainDirectories(directories), ldap };
}

/** All groups of people, for sign-in methods that leave them to the directory. */
export function openMemberships({ directory: { ldap } }: Config, directory: OpenDirectory | undefined): LookUpGroups {
  if (ldap === undefined || directory?.ldap === undefined)
    return async (identity) => ({
      identity: { ...identity, sids: [], groups: [] },
      note: 'no groups: there is no directory.ldap',
      barred: undefined,
    });
  return memberships({
    people: directory.ldap.people,
    names: directory,
    freshMs: ldap.cache,
    keepMs: ldap.keep_for,
    matchEmail: ldap.match_email,
  });
}

/** Tells whether passwords are right; over connections of its own. `undefined` without `directory.ldap`. */
export function openPasswordDirectory(
  config: Config,
  read: Read,
  onTrouble: (message: string) => void,
): (PasswordDirectory & { close(): Promise<void> }) | undefined {
  const options = ldapOptions(config, read, onTrouble);
  if (options === undefined) return undefined;
  const directory = ldapDirectory(options);
  return { ...ldapPasswords({ ...options, people: directory.people }), close: () => directory.close() };
}

function ldapOptions(
  { directory: { ldap } }: Config,
  read: Read,
  onTrouble: (message: string) => void,
): LdapDirectoryOptions | undefined {
  if (ldap === undefined) return undefined;
  return {
    url: ldap.url,
    startTls: ldap.start_tls,
    ca: ldap.ca === undefined ? undefined : read(ldap.ca).toString(),
    user: ldap.bind.user,
    password: ldap.bind.password,
    base: ldap.base,
    cacheMs: ldap.cache,
    timeoutMs: ldap.timeout,
    onTrouble,
  };
}
