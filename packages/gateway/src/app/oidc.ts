import type { ClientAuthentication, OidcOptions } from '../auth/oidc/options.ts';
import type { z } from 'zod';
import type { Frozen } from '../config/schema.ts';
import type { oidc } from '../config/sections/sign-in-oidc.ts';
import type { Read } from './read.ts';

/** An entry of `sign_in` of this kind. */
export type OidcEntry = Frozen<z.output<ReturnType<typeof oidc>>>;

/** An entry of the configuration as the provider wants it, its files read. */
export function oidcOptions(entry: OidcEntry, read: Read, lifetimeMs: number): OidcOptions {
  const { id, name, issuer, discovery, scopes, claims, userinfo, tenants, refresh, timeout, proxy, graph } = entry;
  return {
    id,
    name,
    issuer,
    discovery,
    clientId: entry.client_id,
    authentication: authenticationOf(entry, read),
    scopes,
    claims: { ...claims, user: claims.user, groups: claims.groups, roles: claims.roles },
    userinfo,
    groupNames: entry.group_names,
    groupsAllowed: entry.groups_allowed,
    groupsFrom: entry.groups_from === 'method' ? 'claims' : entry.groups_from,
    graph: { url: graph.url, names: graph.names, onFailure: graph.on_failure },
    tenants,
    lifetimeMs,
    refresh,
    timeoutMs: timeout,
    logoutAtProvider: entry.post_logout,
    ca: entry.ca === undefined ? undefined : read(entry.ca).toString(),
    proxy,
  };
}

function authenticationOf(entry: OidcEntry, read: Read): ClientAuthentication {
  const { client_key: key, client_key_id: keyId, client_certificate: certificate, client_secret: secret } = entry;
  if (key !== undefined)
    return {
      kind: 'private_key_jwt',
      key: read(key).toString(),
      keyId,
      certificate: certificate === undefined ? undefined : read(certificate).toString(),
    };
  return secret === undefined ? { kind: 'none' } : { kind: entry.client_auth ?? 'secret', secret };
}
