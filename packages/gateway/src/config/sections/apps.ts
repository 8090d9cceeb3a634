import { z } from 'zod';
import { file, type SchemaContext } from '../context.ts';
import { duration, headerName, host, origin, prefix, urlPath } from '../values/leaf.ts';
import { appName } from '../values/name.ts';
import { rule } from './rules.ts';

const upstreamUrl = () => origin('http://127.0.0.1:3000');

const upstream = (context: SchemaContext) => {
  const full = z.strictObject({
    url: upstreamUrl().describe('Scheme, host and port. Paths are passed on unchanged.'),
    ca: file(context, 'tls/corp-ca.pem')
      .optional()
      .describe('PEM file of the authority that an `https` app must chain to. Default: those of the system.'),
    connect_timeout: duration('100ms', '2m', '5s').prefault('5s').describe('How long a connection may take.'),
    response_timeout: duration('1s', '1d', '60s')
      .prefault('60s')
      .describe('From the end of a request to the head of its response. Streams may then last.'),
  });
  return z
    .union([upstreamUrl().transform((url) => full.parse({ url })), full])
    .describe('Where the app listens: a URL, or a mapping with the keys below.');
};

const header = (byDefault: string) => z.union([headerName(), z.literal(false)]).prefault(byDefault);

const headers = () =>
  z
    .strictObject({
      user: header('X-Authenticated-User').describe('`CORP\\alice`'),
      upn: header('X-Authenticated-UPN').describe('`alice@corp.example`'),
      email: header('X-Authenticated-Email').describe('E-mail address'),
      name: header('X-Authenticated-Name').describe('Display name'),
      groups: header('X-Authenticated-Groups').describe('Names of groups, with commas between'),
      roles: header('X-Authenticated-Roles').describe('Names of roles, with commas between'),
      assertion: header('X-Cardea-Assertion').describe(
        'All of it as a signed JWT, for apps that do not want to trust their network',
      ),
    })
    .prefault({})
    .describe(
      'Request headers that tell the app who is there: a name of your own, or `false` for none. What a client sends under these names never arrives.',
    );

const app = (context: SchemaContext) =>
  z
    .strictObject({
      name: appName().describe('Short name for logs and metrics; each app has its own.'),
      host: z
        .union([host(), z.array(host()).min(1)])
        .transform((one) => (Array.isArray(one) ? one : [one]))
        .describe('Host name that browsers use, or a list of them. `"*"` is any host, when there is one app only.'),
      path: prefix().prefault('/').describe('Only paths below this. Among the apps of a host the longest one decides.'),
      upstream: upstream(context),
      rules: z
        .array(rule())
        .min(1)
        .meta({ 'x-examples': [[{ path: '/**', signed_in: true }]] })
        .describe(
          'Who may do what. The first rule whose path and methods fit decides; when none fits, the answer is refusal.',
        ),
      headers: headers(),
      header_encoding: z
        .enum(['percent', 'utf-8'])
        .prefault('percent')
        .describe('How characters outside ASCII are written in headers: percent-encoded, or as UTF-8 bytes.'),
      assertion: z
        .strictObject({
          audience: z
            .string()
            .min(1)
            .optional()
            .meta({ 'x-examples': ['desk'] })
            .describe('The `aud` claim. Default: the name of the app.'),
        })
        .prefault({})
        .describe('Particulars of the signed assertion.'),
      host_header: z
        .enum(['preserve', 'upstream'])
        .prefault('preserve')
        .describe('The `Host` that the app sees: the one of the browser, or the one of `upstream`.'),
      allowed_origins: z
        .array(origin('https://other.corp.example'))
        .prefault([])
        .describe('Other sites whose pages may open WebSockets here and send requests that change something.'),
      unauthorized: urlPath()
        .optional()
        .describe('Page of the app to which refused people are sent. Default: a page of Cardea.'),
    })
    .transform(({ assertion, ...rest }) => ({ ...rest, assertion: { audience: assertion.audience ?? rest.name } }));

export const apps = (context: SchemaContext) =>
  z.array(app(context)).min(1).describe('The applications behind Cardea.').meta({
    'x-example':
      'apps:\n  - name: desk\n    host: desk.corp.example\n    upstream: http://127.0.0.1:3000\n    headers: { user: X-Remote-User, email: false }\n    rules:\n      - { path: /health, public: true }\n      - { path: /risk/**, module: Risk }\n      - { path: /**, signed_in: true }\n',
  });
