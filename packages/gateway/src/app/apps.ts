import type { Upstream } from '@cardea/http1';
import type { App as AppConfig } from '../config/schema.ts';
import { compilePolicy } from '../policy/compile.ts';
import type { App } from '../server/apps.ts';
import type { Read } from './read.ts';

/** An app of the configuration as the pipeline wants it: policy compiled, files read. */
export function compileApp(app: AppConfig, read: Read, signIn: App['signIn']): App {
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
    allowedOrigins: app.allowed_origins,
    signIn,
    csrf: app.csrf,
    unauthorized: app.unauthorized,
  };
}

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
