import { type LookedUp, memberships } from '../auth/memberships.ts';
import type { Loaded } from '../config/load.ts';
import type { Identity } from '../core/identity.ts';
import { chainDirectories } from '../directory/chain.ts';
import { ldapDirectory } from '../directory/ldap.ts';
import { tableDirectory } from '../directory/table.ts';

/** The groups of a person from `directory.ldap`, asked once. `undefined` where the configuration has none. */
export async function askDirectory(
  user: string,
  { config, files }: Loaded,
  now: number,
): Promise<LookedUp | undefined> {
  const { ldap, groups } = config.directory;
  if (ldap === undefined) return undefined;
  const ca = ldap.ca === undefined ? undefined : files.read(ldap.ca);
  if (ca?.kind === 'wrong') throw new Error(`Cannot read file: ${ca.message}`);
  const directory = ldapDirectory({
    url: ldap.url,
    startTls: ldap.start_tls,
    ca: ca === undefined ? undefined : Buffer.from(ca.value).toString(),
    user: ldap.bind.user,
    password: ldap.bind.password,
    base: ldap.base,
    cacheMs: ldap.cache,
    timeoutMs: ldap.timeout,
  });
  try {
    const names = chainDirectories([tableDirectory(groups), directory]);
    const { people } = directory;
    const lookUp = memberships({ people, names, freshMs: 0, keepMs: 0, matchEmail: ldap.match_email });
    return await lookUp(personNamed(user), now);
  } finally {
    await directory.close();
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
