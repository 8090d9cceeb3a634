import type { Acceptor } from '@cardea/kerberos';
import type { Logger } from 'pino';
import type { KnownApiKeys } from '../auth/api-key.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { negotiate } from '../auth/negotiate.ts';
import type { Loaded } from '../config/load.ts';
import type { App, Negotiate } from '../config/schema.ts';
import type { Directory } from '../ports/directory.ts';
import type { Session } from '../auth/session.ts';
import type { AskMethod } from '../server/recheck.ts';
import type { Endpoint } from '../server/endpoints/endpoint.ts';
import { login } from '../server/endpoints/login.ts';
import type { SignInPlan, SignInWay } from '../server/sign-in-plan.ts';
import { foldFieldName } from '../wire/field-names.ts';
import type { Closers } from './closers.ts';
import { type CredentialParts, credentialMethods } from './credentials.ts';
import { watchedAcceptor } from './keytab.ts';
import { providerMethod, type ProviderParts } from './providers.ts';
import type { Watches } from './watches.ts';

/** One entry of `sign_in`, ready for use. What it has depends on its kind. */
export interface SignInMethod {
  /** What apps call it in their own `sign_in`. */
  readonly id: string;
  readonly authenticator?: Authenticator;
  readonly way?: SignInWay;
  readonly endpoints?: readonly Endpoint[];
  /** The query parameter that is taken out of the addresses of apps with this method. */
  readonly streamParameter?: string;
  /** Names of fields that no client may send, on any app, besides those that are known. */
  readonly stripped?: readonly string[];
  /** What is known of API keys, where they are taken. */
  readonly apiKeys?: KnownApiKeys;
  /** For the log, at each start. */
  readonly warning?: string;
  /** Asks whether the method stands by a person whom it has signed in, when that is due. */
  readonly recheck?: AskMethod;
  /**
   * Where a person signs out of the provider as well, who then sends them back to `returnUri`; `undefined` when there is no such
   * place. What is kept beside the session is read at once, so that the session may be ended after the call. Never rejects.
   */
  readonly signOutUrl?: (session: Session, returnUri: string, now: number) => Promise<string | undefined>;
}

export interface SignInParts extends ProviderParts, Omit<CredentialParts, 'claims' | 'apiKeys' | 'bearerIssuers'> {
  readonly loaded: Loaded;
  readonly watches: Watches;
  readonly log: Pick<Logger, 'info' | 'error'>;
}

/** Every sign-in method of the configuration, in its order: one branch each. */
export function signInMethods(parts: SignInParts, closers: Closers): readonly SignInMethod[] {
  const { loaded, read, shared, directory, watches, log } = parts;
  const { config } = loaded;
  const bearerIssuers = new Set(
    config.sign_in.flatMap(({ bearer }) => bearer?.issuers.map(({ issuer }) => issuer) ?? []),
  );
  const { replays: claims, apiKeys } = shared;
  const byRequest = credentialMethods({ ...parts, claims, apiKeys, bearerIssuers }, closers);
  return config.sign_in.flatMap((method): readonly SignInMethod[] => {
    if (method.negotiate !== undefined) {
      const { acceptor, watch } = watchedAcceptor(method.negotiate, { read, replayCache: claims, log });
      watches.add(watch);
      const authenticator = kerberos(method.negotiate, acceptor, config.session.lifetime, directory);
      return [{ id: authenticator.id, authenticator }];
    }
    if (method.password !== undefined && shared.passwords !== undefined) {
      const way: SignInWay = { kind: 'form', id: 'password', label: 'Sign in' };
      return [{ id: way.id, way, endpoints: [login(shared.passwords, { provider: way.id })] }];
    }
    if (method.oidc !== undefined) return [providerMethod(method.oidc, read, parts, closers)];
    const other = byRequest(method);
    return other === undefined ? [] : [other];
  });
}

/** Asks the method that began a session. */
export function recheckBy(methods: readonly SignInMethod[]): AskMethod {
  const byId = new Map(methods.map((method) => [method.id, method.recheck]));
  return (session, now) => byId.get(session.provider ?? '')?.(session, now);
}

/** Asks the method that began a session where its person signs out of the provider as well. */
export function signOutBy(methods: readonly SignInMethod[]): NonNullable<SignInMethod['signOutUrl']> {
  const byId = new Map(methods.map((method) => [method.id, method.signOutUrl]));
  return async (session, returnUri, now) => byId.get(session.provider ?? '')?.(session, returnUri, now);
}

/** How people sign in to one app: by the methods that it names, in its order, or by all. */
export function planOf(
  app: Pick<App, 'name' | 'sign_in'>,
  all: readonly SignInMethod[],
  prefix: string,
): SignInPlan | 'none' {
  if (app.sign_in === 'none') return 'none';
  const methods = app.sign_in?.flatMap((id) => all.find((method) => method.id === id) ?? []) ?? all;
  const authenticators = methods.flatMap(({ authenticator }) => authenticator ?? []);
  return {
    byRequest: authenticators.filter(({ scope }) => scope === 'request'),
    bySession: authenticators.filter(({ scope }) => scope === 'session'),
    providers: new Set(methods.map(({ id }) => id)),
    ownFields: new Set(authenticators.flatMap(({ ownFields }) => ownFields?.map(foldFieldName) ?? [])),
    ownSchemes: new Set(authenticators.flatMap(({ ownScheme }) => ownScheme ?? [])),
    // Taken out also where the app takes no such tokens: one for its neighbour is not its to see.
    streamParameter: all.find(({ streamParameter }) => streamParameter !== undefined)?.streamParameter,
    offer: {
      prefix,
      app: app.name,
      challenges: authenticators.flatMap(({ challenge }) => challenge ?? []),
      ways: methods.flatMap(({ way }) => way ?? []),
    },
  };
}

function kerberos(
  options: Negotiate,
  acceptor: Acceptor,
  lifetimeMs: number,
  directory: Directory | undefined,
): Authenticator {
  return negotiate({
    acceptor,
    lifetimeMs,
    domains: options.domains,
    directory,
    lookUpGroups: options.groups_from === 'directory',
  });
}
