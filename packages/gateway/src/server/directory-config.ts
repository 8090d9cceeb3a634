/**
 * From the `directory` section of the configuration to what the directories want to know.
 *
 * @module
 */
import type { ClientAuthentication } from '../auth/oidc/options.ts';
import type { Config } from '../config/schema.ts';
import type { GraphServer } from '../directory/graph-connection.ts';
import type { GraphPeopleOptions } from '../directory/graph-people.ts';
import type { LdapDirectoryOptions } from '../directory/ldap.ts';

/** What `directory.ldap` says, its files read; `undefined` without it. */
export function ldapOptions(
  { directory: { ldap } }: Config,
  read: (path: string) => Buffer,
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

/** What `directory.graph` says, its files read; `undefined` without it. */
export function graphOptions(
  { directory: { graph } }: Config,
  read: (path: string) => Buffer,
  onTrouble: (message: string) => void,
): (GraphServer & GraphPeopleOptions) | undefined {
  if (graph === undefined) return undefined;
  const {
    tenant,
    client_id: clientId,
    group_names: groupNames,
    names,
    domains,
    login,
    url,
    ca,
    proxy,
    timeout,
  } = graph;
  const { client_secret: secret, client_key: key, client_certificate: certificate } = graph;
  const authentication: ClientAuthentication =
    key !== undefined
      ? {
          kind: 'private_key_jwt',
          key: read(key).toString(),
          keyId: undefined,
          certificate: certificate === undefined ? undefined : read(certificate).toString(),
        }
      : secret === undefined
        ? { kind: 'none' }
        : { kind: 'secret', secret };
  return {
    tenant,
    clientId,
    authentication,
    login,
    url,
    ca: ca === undefined ? undefined : read(ca).toString(),
    proxy,
    timeoutMs: timeout,
    onTrouble,
    names,
    groupNames: Object.fromEntries(Object.entries(groupNames).map(([id, name]) => [id.toLowerCase(), name])),
    domains,
  };
}
