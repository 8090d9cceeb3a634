/**
 * Sign-in methods whose credential comes with each request, and the development identity:
 * from their entries in the configuration to what the pipeline uses.
 *
 * @module
 */
import type { JSONWebKeySet } from 'jose';
import { apiKey, apiKeyIdOf, KnownApiKeys } from '../auth/api-key.ts';
import { approval, approvalTokens, approvedFieldNames } from '../auth/approval.ts';
import { type BearerIssuer, bearer } from '../auth/bearer.ts';
import { clientCertificate } from '../auth/client-certificate.ts';
import { development, developmentNotice } from '../auth/development.ts';
import { keysAt, keysByDiscovery, keysOf } from '../auth/issuer-keys.ts';
import { isLoopbackHost, openOutbound } from '../auth/oidc/outbound.ts';
import type { OwnTokens } from '../auth/own-token.ts';
import type { Issued } from '../auth/revocation-list.ts';
import type { Session } from '../auth/session.ts';
import { streamToken, streamTokens } from '../auth/stream-token.ts';
import { trustedHeader, trustedHeaderFields } from '../auth/trusted-header.ts';
import type { SignIn } from '../config/schema.ts';
import { parseJobPattern } from '../policy/job-pattern.ts';
import type { ApiKeys } from '../ports/api-keys.ts';
import type { Directory } from '../ports/directory.ts';
import type { ReplayCache } from '../ports/replay-cache.ts';
import type { App } from '../server/apps.ts';
import { giveApproval } from '../server/endpoints/approvals.ts';
import { isReserved } from '../server/endpoints/endpoint.ts';
import { issueStreamToken } from '../server/endpoints/stream-tokens.ts';
import { startLastUsed } from '../stores/last-used.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import { sealer } from '../tokens/seal.ts';
import { cidrMatcher } from '../wire/cidr.ts';
import type { Closers } from './closers.ts';
import type { OnTrouble } from './log.ts';
import type { Read } from './read.ts';
import type { SignInMethod } from './sign-in.ts';

/** What these methods ask of the rest. */
export interface CredentialParts {
  readonly ring: KeyRing;
  readonly claims: ReplayCache;
  readonly apiKeys: ApiKeys;
  readonly directory: Directory | undefined;
  /** What has been revoked, as this thread knows it. */
  readonly isRevoked: (what: Issued) => boolean;
  /** Tokens of our own issuer, where there is one. */
  readonly ownTokens?: OwnTokens | undefined;
  /** The issuers of all entries for bearer tokens. */
  readonly bearerIssuers?: ReadonlySet<string> | undefined;
  /** The app that answers for a path of a host. Asked when requests are served, and not before. */
  readonly appAt: (host: string, path: string) => App | undefined;
  readonly prefix: string;
  readonly lifetimeMs: number;
  readonly read: Read;
  readonly onTrouble: OnTrouble;
}

type Entry = SignIn;
type Of<K extends keyof Entry> = NonNullable<Entry[K]>;

const writeUsesMs = 10_000;

/**
 * Makes the method of each entry; `undefined` for an entry of another kind. All entries of one data plane go through one
 * maker: they share what is known about API keys.
 */
export function credentialMethods(
  parts: CredentialParts,
  closers: Closers,
): (entry: Entry) => SignInMethod | undefined {
  const keys = new KnownApiKeys(parts.apiKeys);
  const lastUsed = startLastUsed({ flush: () => keys.flush(), everyMs: writeUsesMs, onTrouble: parts.onTrouble });
  closers.add(() => lastUsed.close());

  /** Whether what a token was made of has been revoked since: the sign-in, or the API key. */
  async function isRevoked({ id, identity, provider, providerSession }: Session, now: number): Promise<boolean> {
    const { subject, account, upn, authenticatedAt: issuedAt } = identity;
    if (parts.isRevoked({ id, subject, account, upn, provider, providerSession, issuedAt })) return true;
    const key = apiKeyIdOf(identity);
    return key !== undefined && !(await keys.isGood(key, now));
  }

  return (entry) => {
    if (entry.api_key !== undefined) return apiKeyMethod(keys, parts);
    if (entry.bearer !== undefined) return bearerMethod(entry.bearer, parts, closers);
    if (entry.stream_token !== undefined) return streamTokenMethod(entry.stream_token, parts, keys, isRevoked);
    if (entry.approval !== undefined) return approvalMethod(entry.approval, parts, isRevoked);
    if (entry.trusted_header !== undefined) return trustedHeaderMethod(entry.trusted_header, parts);
    if (entry.client_certificate !== undefined) return clientCertificateMethod(entry.client_certificate, parts);
    return entry.development === undefined ? undefined : developmentMethod(entry.development, parts);
  };
}

type IsRevoked = (session: Session, now: number) => Promise<boolean>;

function apiKeyMethod(keys: KnownApiKeys, { prefix, lifetimeMs }: CredentialParts): SignInMethod {
  const authenticator = apiKey({ keys, lifetimeMs, isOwnPath: (path) => isReserved(path, prefix) });
  return { id: authenticator.id, authenticator, apiKeys: keys };
}

function streamTokenMethod(
  { parameter, lifetime: lifetimeMs }: Of<'stream_token'>,
  { ring, claims, directory, prefix, appAt }: CredentialParts,
  keys: KnownApiKeys,
  isRevoked: IsRevoked,
): SignInMethod {
  const tokens = streamTokens(sealer(ring, 'stream'), lifetimeMs);
  const authenticator = streamToken({ tokens, claims, isRevoked, directory });
  const endpoint = issueStreamToken({
    tokens,
    lifetimeMs,
    appAt,
    isOwnPath: (path) => isReserved(path, prefix),
    mayUse: (identity, what, now) => keys.mayUse(identity, what, now),
  });
  return { id: authenticator.id, authenticator, endpoints: [endpoint], streamParameter: parameter };
}

function approvalMethod(
  { approvers, lifetime: lifetimeMs, actions: written }: Of<'approval'>,
  { ring, claims, appAt }: CredentialParts,
  isRevoked: IsRevoked,
): SignInMethod {
  const tokens = approvalTokens(sealer(ring, 'approval'), lifetimeMs);
  const actions = written.map(({ action, app, method, path }) => {
    const parsed = parseJobPattern(path);
    if (parsed.kind === 'wrong') throw new TypeError(`Cannot use path "${path}" of an approval: ${parsed.reason}`);
    return { action, app, method, pattern: parsed.pattern };
  });
  const authenticator = approval({ tokens, actions, claims, isRevoked });
  const endpoint = giveApproval({ tokens, lifetimeMs, actions, approvers, appAt });
  return { id: authenticator.id, authenticator, endpoints: [endpoint], stripped: approvedFieldNames };
}

function bearerMethod(
  { id = 'bearer', issuers }: Of<'bearer'>,
  { read, ownTokens: tokens, bearerIssuers: elsewhere }: CredentialParts,
  closers: Closers,
): SignInMethod {
  // Our own issuer needs no keys from elsewhere, and knows what it has put where in a token.
  const own = tokens && issuers.find(({ issuer }) => issuer === tokens.issuer);
  const authenticator = bearer({
    id,
    elsewhere,
    own: tokens && own && { tokens, audiences: own.audience, lookUpGroups: own.groups_from === 'directory' },
    issuers: issuers
      .filter((one) => one !== own)
      .map((one): BearerIssuer => {
        const { issuer, audience, algorithms, type, claims, group_names: groupNames } = one;
        return {
          issuer,
          audiences: audience,
          algorithms,
          type,
          claims: { ...claims, user: claims.user, groups: claims.groups, roles: claims.roles },
          groupNames: lowerKeys(groupNames),
          keys: keysFor(one, read, closers),
          lookUpGroups: one.groups_from === 'directory',
        };
      }),
  });
  return { id, authenticator };
}

function keysFor(one: Of<'bearer'>['issuers'][number], read: Read, closers: Closers): BearerIssuer['keys'] {
  const { issuer, jwks_url: address, keys, ca, timeout } = one;
  if (keys !== undefined) return keysOf(readKeySet(read(keys)));
  const url = address ?? issuer;
  // Only where the configuration itself names this machine.
  const loopbackHttp = new URL(url).protocol === 'http:' && isLoopbackHost(new URL(url).hostname);
  const outbound = openOutbound({ ca: ca && read(ca).toString(), timeoutMs: timeout, loopbackHttp });
  closers.add(() => outbound.close());
  return address === undefined ? keysByDiscovery(issuer, outbound, loopbackHttp) : keysAt(address, outbound);
}

/** Throws for a file that holds no keys. What they are good for is seen when one is used. */
function readKeySet(file: Buffer): JSONWebKeySet {
  const set: unknown = JSON.parse(file.toString());
  if (typeof set !== 'object' || set === null || !('keys' in set) || !Array.isArray(set.keys))
    throw new TypeError("Cannot read an issuer's keys: the file is not a JWK set");
  return { keys: set.keys };
}

/** Ids are the same in upper and lower case, as those of Entra are. */
const lowerKeys = (names: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(names).map(([id, name]) => [id.toLowerCase(), name]));

function trustedHeaderMethod(
  {
    id = 'trusted_header',
    from,
    header,
    encoding,
    default_domain: defaultDomain,
    domains,
    ...rest
  }: Of<'trusted_header'>,
  { lifetimeMs }: CredentialParts,
): SignInMethod {
  const options = {
    id,
    isTrusted: cidrMatcher(from),
    header,
    encoding,
    names: { defaultDomain, domains },
    secret: rest.secret,
    lifetimeMs,
    beginsSession: rest.session,
    lookUpGroups: rest.groups_from === 'directory',
  };
  return { id, authenticator: trustedHeader(options), stripped: trustedHeaderFields(options) };
}

function clientCertificateMethod(
  { account, default_domain: defaultDomain, domains, groups_from: groupsFrom }: Of<'client_certificate'>,
  { lifetimeMs }: CredentialParts,
): SignInMethod {
  const names = { defaultDomain, domains };
  const authenticator = clientCertificate({
    from: account,
    names,
    lifetimeMs,
    lookUpGroups: groupsFrom === 'directory',
  });
  return { id: authenticator.id, authenticator };
}

function developmentMethod(entry: Of<'development'>, { lifetimeMs }: CredentialParts): SignInMethod {
  const authenticator = development({ ...entry, lifetimeMs });
  return { id: authenticator.id, authenticator, warning: developmentNotice };
}
