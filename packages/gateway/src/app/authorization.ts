import type { Config } from '../config/schema.ts';
import { type App, findApp } from '../server/apps.ts';
import { checkAuthorization } from '../server/endpoints/check.ts';
import { type Endpoint, isReserved } from '../server/endpoints/endpoint.ts';
import { type LookUpOther, otherPeople } from '../server/other-people.ts';
import { type OpenDirectory, openMemberships } from './directory.ts';
import type { SignInMethod } from './sign-in.ts';

/** `POST /auth/check` for these apps. */
export function authorizationEndpoint(
  config: Config,
  apps: readonly App[],
  methods: readonly SignInMethod[],
  directory: OpenDirectory | undefined,
  now: () => number,
): Endpoint {
  const { prefix, authorization_api: api } = config;
  const keys = methods.find(({ apiKeys }) => apiKeys !== undefined)?.apiKeys;
  return checkAuthorization({
    ttlMs: api.ttl,
    lookUp: lookUpOthers(config, directory),
    apps: {
      at: (host, path) => findApp(apps, host, path),
      of: (host) => apps.filter(({ hosts }) => hosts.includes(host) || hosts.includes('*')).map(({ name }) => name),
    },
    isOwnPath: (path) => isReserved(path, prefix),
    keys: {
      mayUse: async (identity, what, at) => keys === undefined || (await keys.mayUse(identity, what, at)),
      mayCheck: async (identity, names, at) => keys !== undefined && (await keys.mayCheck(identity, names, at)),
    },
    now,
  });
}

/** Answers are as old as the directory's cache at most: while it is down nothing older is served, unlike for people who are here. */
const lookUpOthers = (config: Config, directory: OpenDirectory | undefined): LookUpOther | undefined =>
  directory?.people === undefined
    ? undefined
    : otherPeople(openMemberships(config, directory, { keepMs: 0 }), config.roles);
