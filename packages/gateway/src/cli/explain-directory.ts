import { type LookedUp, memberships } from '../auth/memberships.ts';
import type { Loaded } from '../config/load.ts';
import type { Identity } from '../core/identity.ts';
import { chainDirectories } from '../directory/chain.ts';
import { graphDirectory } from '../directory/graph.ts';
import { ldapDirectory } from '../directory/ldap.ts';
import { tableDirectory } from '../directory/table.ts';
import { graphOptions, ldapOptions } from '../server/directory-config.ts';

/** The groups of a person from the directory, asked once. `undefined` where the configuration has none that knows people. */
export async function askDirectory(
  user: string,
  { config, files }: Loaded,
  now: number,
): Promise<LookedUp | undefined> {
  const read = (path: string): Buffer => {
    const file = files.read(path);
    if (file.kind === 'wrong') throw new Error(`Cannot read file: ${file.message}`);
    return Buffer.from(file.value);
  };
  const { groups, people: chosen } = config.directory;
  const ldapServer = ldapOptions(config, read, () => {});
  const graphServer = chosen === 'ldap' ? undefined : graphOptions(config, read, () => {});
  const ldap = ldapServer && ldapDirectory(ldapServer);
  const graph = graphServer && graphDirectory(graphServer);
  try {
    const people = chosen === 'graph' || ldap === undefined ? graph?.people : ldap.people;
    if (people === undefined) return undefined;
    const names = chainDirectories([tableDirectory(groups), ...(ldap === undefined ? [] : [ldap])]);
    const matchEmail = people === ldap?.people && config.directory.ldap?.match_email === true;
    return await memberships({ people, names, freshMs: 0, keepMs: 0, matchEmail })(personNamed(user), now);
  } finally {
    graph?.close();
    await ldap?.close();
  }
}

/** `CORP\\alice` is an account, `alice@corp.example` a UPN. */
const personNamed = (user: string): Identity => ({
  subject: `explain:${user}`,
  account: user,
  upn: user.includes('@') ? user : undefined,
  name: undefined,
  email: undefined,
  sids: [],
  groups: [],
  method: 'explain',
  authenticatedAt: 0,
  expiresAt: 0,
});
