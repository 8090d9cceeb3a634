import type { Config } from '../config/schema.ts';
import { chainDirectories } from '../directory/chain.ts';
import { ldapDirectory } from '../directory/ldap.ts';
import { tableDirectory } from '../directory/table.ts';
import type { Directory } from '../ports/directory.ts';
import type { Read } from './read.ts';

/** Every directory of the configuration as one; `undefined` without any. */
export function openDirectory(config: Config, read: Read, onTrouble: (message: string) => void): Directory | undefined {
  const { ldap, groups } = config.directory;
  const directories: Directory[] = [];
  if (Object.keys(groups).length > 0) directories.push(tableDirectory(groups));
  if (ldap !== undefined)
    directories.push(
      ldapDirectory({
        url: ldap.url,
        startTls: ldap.start_tls,
        ca: ldap.ca === undefined ? undefined : read(ldap.ca).toString(),
        user: ldap.bind.user,
        password: ldap.bind.password,
        base: ldap.base,
        cacheMs: ldap.cache,
        timeoutMs: ldap.timeout,
        onTrouble,
      }),
    );
  return directories.length === 0 ? undefined : chainDirectories(directories);
}
