import type { Upstream } from '@cardea/http1';
import type { App as AppConfig } from '../config/schema.ts';
import { isLoopbackHost } from '../auth/oidc/outbound.ts';
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

const edgeOptions = ({ response_headers: headers, cors }: AppConfig): EdgeOptions => ({
  headers,
  cors: cors && { ...cors, maxAgeMs: cors.max_age },
});

/** Host and port, with one name for this machine: it is the same app by another spelling of its address. */
function placeOf(address: string): string {
  if (address.startsWith('unix:')) return address;
  const { hostname, port, protocol } = new URL(address);
  const name = hostname.replace(/\.$/, '');
  return `${isLoopbackHost(name) || alsoHere.test(name) ? 'localhost' : name}:${port || protocol}`;
}

/** Where one connects to this machine as well: by no address, or by one of IPv4 written as IPv6. */
const alsoHere = /^(?:0\.0\.0\.0|\[::\]|\[::ffff:(?:0:0|7f[0-9a-f]{2}:[0-9a-f]{1,4})\])$/;

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

/** The configuration allows `host_header: upstream` only where there is one address with a host. */
function hostOf([address]: AppConfig['upstream']['url']): string | undefined {
  return address === undefined ? undefined : new URL(address).host;
}
