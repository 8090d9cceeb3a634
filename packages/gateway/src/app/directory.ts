import { type LookUpGroups, memberships } from '../auth/memberships.ts';
import type { Outdated } from '../auth/outdated.ts';
import type { Config } from '../config/schema.ts';
import { chainDirectories } from '../directory/chain.ts';
import { graphDirectory } from '../directory/graph.ts';
import { type LdapDirectory, ldapDirectory } from '../directory/ldap.ts';
import { ldapPasswords } from '../directory/ldap-passwords.ts';
import { tableDirectory } from '../directory/table.ts';
import type { Attempts } from '../ports/attempts.ts';
import type { Directory } from '../ports/directory.ts';
import type { PasswordDirectory } from '../ports/password-directory.ts';
import type { People } from '../ports/people.ts';
import { graphOptions, ldapOptions } from '../server/directory-config.ts';
import type { Read } from './read.ts';

/** Every directory of the configuration as one. */
export interface OpenDirectory extends Directory {
  readonly ldap: LdapDirectory | undefined;
  /** The one that knows which groups people are in. */
  readonly people: People | undefined;
}

/** `undefined` without any. */
export function openDirectory(
  config: Config,
  read: Read,
  onTrouble: (message: string) => void,
  now: () => number,
): OpenDirectory | undefined {
  const { groups, people: chosen } = config.directory;
  const options = ldapOptions(config, read, onTrouble);
  const ldap = options && ldapDirectory(options);
  const graphServer = graphOptions(config, read, onTrouble);
  const graph = graphServer && graphDirectory(graphServer);
  const directories: Directory[] = Object.keys(groups).length > 0 ? [tableDirectory(groups)] : [];
  if (ldap !== undefined) directories.push(ldap);
  if (directories.length === 0 && graph === undefined) return undefined;
  const chain = chainDirectories(directories);
  const people = chosen === 'graph' || ldap === undefined ? graph?.people : ldap.people;
  if (graph === undefined) return { ...chain, ldap, people };
  return {
    ...chain,
    ldap,
    people,
    async ping() {
      await Promise.all([chain.ping(), graph.ping(now())]);
    },
    async close() {
      graph.close();
      await chain.close();
    },
  };
}

/** What bounds the memory for the groups of people; `undefined` without a directory that knows them. */
const boundsOf = ({ directory: { ldap, graph, people: chosen } }: Config) =>
  chosen === 'graph' || ldap === undefined ? graph && { ...graph, match_email: false } : ldap;

/** How long the groups of a person are not asked for again. */
export const membershipsFreshMs = (config: Config): number => boundsOf(config)?.cache ?? 0;

/**
 * All groups of people, for sign-in methods that leave them to the directory. `keepMs`: how long answers serve while that is down;
 * default: as configured.
 */
export function openMemberships(
  config: Config,
  directory: OpenDirectory | undefined,
  { keepMs, outdated }: { readonly keepMs?: number; readonly outdated?: Outdated } = {},
): LookUpGroups {
  const bounds = boundsOf(config);
  if (bounds === undefined || directory?.people === undefined)
    return async (identity) => ({
      identity: { ...identity, sids: [], groups: [] },
      note: 'no groups: there is neither directory.ldap nor directory.graph',
      barred: undefined,
    });
  return memberships({
    people: directory.people,
    names: directory,
    freshMs: bounds.cache,
    keepMs: keepMs ?? bounds.keep_for,
    matchEmail: bounds.match_email,
    outdated,
  });
}

/** Tells whether passwords are right; over connections of its own. `undefined` without `directory.ldap`. */
export function openPasswordDirectory(
  config: Config,
  read: Read,
  attempts: Attempts,
  onTrouble: (message: string) => void,
): (PasswordDirectory & { close(): Promise<void> }) | undefined {
  const options = ldapOptions(config, read, onTrouble);
  if (options === undefined) return undefined;
  const directory = ldapDirectory(options);
  return { ...ldapPasswords({ ...options, attempts, people: directory.people }), close: () => directory.close() };
}
