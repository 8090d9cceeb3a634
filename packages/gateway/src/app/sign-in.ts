import { createAcceptor, parseKeytab } from '@cardea/kerberos';
import type { Authenticator } from '../auth/authenticator.ts';
import { negotiate } from '../auth/negotiate.ts';
import type { Loaded } from '../config/load.ts';
import type { App, Negotiate } from '../config/schema.ts';
import type { Directory } from '../ports/directory.ts';
import type { ReplayCache } from '../ports/replay-cache.ts';
import type { Endpoint } from '../server/endpoints/endpoint.ts';
import { login } from '../server/endpoints/login.ts';
import type { SignInPlan, SignInWay } from '../server/sign-in-plan.ts';
import type { Shared } from './process-parts.ts';
import type { Read } from './read.ts';

/** One entry of `sign_in`, ready for use. What it has depends on its kind. */
export interface SignInMethod {
  /** What apps call it in their own `sign_in`. */
  readonly id: string;
  readonly authenticator?: Authenticator;
  readonly way?: SignInWay;
  readonly endpoints?: readonly Endpoint[];
}

/** Every sign-in method of the configuration, in its order: one branch each. */
export function signInMethods(
  { config }: Loaded,
  read: Read,
  shared: Shared,
  directory: Directory | undefined,
): readonly SignInMethod[] {
  return config.sign_in.flatMap((method): readonly SignInMethod[] => {
    if (method.negotiate !== undefined) {
      const authenticator = kerberos(method.negotiate, read, config.session.lifetime, shared.replays, directory);
      return [{ id: authenticator.id, authenticator }];
    }
    if (method.password !== undefined && shared.passwords !== undefined) {
      const way: SignInWay = { kind: 'form', id: 'password', label: 'Sign in' };
      return [{ id: way.id, way, endpoints: [login(shared.passwords, { provider: way.id })] }];
    }
    return [];
  });
}

/** How people sign in to one app: by the methods that it names, in its order, or by all. */
export function planOf(app: App, all: readonly SignInMethod[], prefix: string): SignInPlan | 'none' {
  if (app.sign_in === 'none') return 'none';
  const methods = app.sign_in?.flatMap((id) => all.find((method) => method.id === id) ?? []) ?? all;
  const authenticators = methods.flatMap(({ authenticator }) => authenticator ?? []);
  return {
    byRequest: authenticators.filter(({ scope }) => scope === 'request'),
    bySession: authenticators.filter(({ scope }) => scope === 'session'),
    providers: new Set(methods.map(({ id }) => id)),
    ownFields: new Set(authenticators.flatMap(({ ownFields }) => ownFields ?? [])),
    streamParameter: undefined,
    offer: {
      prefix,
      challenges: authenticators.flatMap(({ challenge }) => challenge ?? []),
      ways: methods.flatMap(({ way }) => way ?? []),
    },
  };
}

function kerberos(
  options: Negotiate,
  read: Read,
  lifetimeMs: number,
  replayCache: ReplayCache,
  directory: Directory | undefined,
): Authenticator {
  const keytab = parseKeytab(read(options.keytab));
  const acceptor = createAcceptor({
    keytab,
    requirePac: options.pac === 'required',
    replayCache,
    maxSkewMs: options.clock_skew,
    requireChannelBindings: options.channel_bindings === 'required',
    dangerouslyAllowRc4: options.dangerously_allow_rc4,
    // A keytab may hold other services of this machine, such as host/: their tickets are not for us.
    services: options.services ?? keytab.principals.filter((name) => /^HTTP\//i.test(name)),
    ...(options.realms === undefined ? {} : { clientRealms: options.realms }),
  });
  return negotiate({ acceptor, lifetimeMs, domains: options.domains, directory });
}
