import type { Upstream } from '@cardea/http1';
import type { App as AppConfig } from '../config/schema.ts';
import { placeOf } from '../config/values/place.ts';
import { compileTiers, type LimitNumbers } from '../limits/tiers.ts';
import { compilePolicy } from '../policy/compile.ts';
import type { App } from '../server/apps.ts';
import { type EdgeOptions, edgeOf } from '../server/edge.ts';
import type { Read } from './read.ts';

/** An app of the configuration as the pipeline wants it: policy compiled, files read. */
export function compileApp(app: AppConfig, read: Read, signIn: App['signIn'], apps: readonly AppConfig[]): App {
  const header = (name: string | false): string | undefined => (name === false ? undefined : name);
  const { user, upn, email, name, groups, roles, assertion } = app.headers;
  return {
    name: app.name,
    hosts: app.host,
    pathPrefix: app.path,
    upstream: upstreamOf(app.upstream, read),
    policy: compilePolicy(app.rules),
    headers: {
      user: header(user),
      upn: header(upn),
      email: header(email),
      name: header(name),
      groups: header(groups),
      roles: header(roles),
      assertion: header(assertion),
    },
    headerEncoding: app.header_encoding,
    audience: app.assertion.audience,
    upstreamCredential: credentialOf(app.upstream),
    limits: app.limits && limitsOf(app.limits),
    upstreamHost: app.host_header === 'upstream' ? hostOf(app.upstream.url) : undefined,
    asReceived: isAlone(app, apps),
    untold: !app.forwarded_headers,
    allowedOrigins: originsOf(app),
    edge: edgeOf(edgeOptions(app)),
    signIn,
    csrf: app.csrf,
    streams: {
      maxLifetimeMs: app.streams.max_lifetime,
      revalidateMs: app.streams.revalidate,
      keepForMs: app.streams.keep_for,
      perPerson: app.streams.per_person,
    },
    unauthorized: app.unauthorized,
  };
}

/**
 * Whether an app with `sign_in: none` has host and upstream for itself among those like it: then no cookie, header or path of
 * ours means anything there, and nobody can reach by it what an app with sign-in stands in front of.
 */
export function isAlone(app: AppConfig, apps: readonly AppConfig[]): boolean {
  if (app.sign_in !== 'none' || app.forwarded_headers) return false;
  const others = apps.filter((other) => other.sign_in !== 'none');
  const hosts = new Set(app.host);
  const places = new Set(app.upstream.url.map(placeOf));
  return !others.some(
    ({ host, upstream }) =>
      hosts.has('*') ||
      host.some((name) => name === '*' || hosts.has(name)) ||
      upstream.url.some((url) => places.has(placeOf(url))),
  );
}

/** Sites whose pages act with the person's sign-in: those that may read what comes of it are among them. */
function originsOf({ allowed_origins: allowed, cors }: AppConfig): readonly string[] {
  if (cors?.credentials !== true || cors.origins === '*') return allowed;
  return [...new Set([...allowed, ...cors.origins])];
}

const edgeOptions = ({ response_headers: headers, cors, limits }: AppConfig): EdgeOptions => ({
  headers,
  cors: cors && { ...cors, expose: limits === undefined ? cors.expose : exposed(cors.expose), maxAgeMs: cors.max_age },
});

/** With what we say of limits: a page that may read an answer may know when to ask again. */
function exposed(names: readonly string[]): readonly string[] {
  const known = new Set(names.map((name) => name.toLowerCase()));
  return [...names, ...limitFieldNames.filter((name) => !known.has(name.toLowerCase()))];
}

const limitFieldNames = ['RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-Should-Retry'];

function upstreamOf({ url, ...upstream }: AppConfig['upstream'], read: Read): Upstream {
  const [origin, ...origins] = url;
  if (origin === undefined) throw new TypeError('An app has at least one address');
  const { ca, client_certificate: own } = upstream;
  return {
    origin,
    origins,
    ca: ca === undefined ? undefined : read(ca).toString(),
    clientCertificate: own && { cert: read(own.cert).toString(), key: read(own.key).toString() },
    connectTimeoutMs: upstream.connect_timeout,
    responseTimeoutMs: upstream.response_timeout,
  };
}

function credentialOf({ credential }: AppConfig['upstream']): App['upstreamCredential'] {
  return credential && { name: credential.header, value: credential.scheme + credential.value.reveal() };
}

function limitsOf(limits: NonNullable<AppConfig['limits']>): NonNullable<App['limits']> {
  const decides =
    limits.tiers.some(({ models }) => models !== undefined) || [...limits.tiers, ...limits.groups].some(countsTokens);
  return {
    tiers: compileTiers(limits),
    readsContent: limits.read_body ?? decides,
    contentBytes: limits.max_body,
    usualAnswer: limits.usual_answer,
    leaseMs: limits.lease,
  };
}

const countsTokens = ({ tokens_per_minute: perMinute, tokens_per_day: perDay }: LimitNumbers): boolean =>
  perMinute !== undefined || perDay !== undefined;

/** The configuration allows `host_header: upstream` only where there is one address with a host. */
function hostOf([address]: AppConfig['upstream']['url']): string | undefined {
  return address === undefined ? undefined : new URL(address).host;
}
