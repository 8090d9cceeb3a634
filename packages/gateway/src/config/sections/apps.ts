import { z } from 'zod';
import type { Secret } from '../../core/secret.ts';
import { file, type SchemaContext, secret } from '../context.ts';
import { appAddress, duration, headerName, host, origin, prefix, refuse, urlPath } from '../values/leaf.ts';
import { appName, word } from '../values/name.ts';
import { appLimits } from './app-limits.ts';
import { cors } from './cors.ts';
import { expectations } from './expectations.ts';
import { responseHeaders } from './response-headers.ts';
import { rule } from './rules.ts';

const several = () => z.array(appAddress()).min(1).check(checkAddresses);

/** What proves to an app that a request comes from us. */
const credential = (context: SchemaContext) => {
  const full = z.strictObject({
    header: z.union([z.literal('Authorization'), headerName()]).describe('`api-key` or `x-api-key`, for example.'),
    value: secret(context, '${file:/run/secrets/llm}').check(checkFieldValue).describe('Its whole value.'),
  });
  return z
    .union([
      secret(context, '${file:/run/secrets/llm}')
        .check(checkFieldValue)
        .transform((value) => ({ header: 'Authorization', scheme: 'Bearer ', value })),
      full.transform((one) => ({ ...one, scheme: '' })),
    ])
    .optional()
    .describe(
      'A key that the app asks for, and nobody but Cardea knows: sent as `Authorization: Bearer …`, or in another header. What a client sends under that name does not arrive. It does not go with what rules open with `public: true`.',
    );
};

function checkFieldValue(check: z.core.ParsePayload<Secret>): void {
  // Empty is one that was not to be looked up.
  if (check.issues.length > 0 || /^(?:[!-~](?:[ -~]*[!-~])?)?$/.test(check.value.reveal())) return;
  refuse(check, 'it has characters that no header may have', 'Look for a line break or a blank at its end.');
}

const upstream = (context: SchemaContext) => {
  const full = z.strictObject({
    url: z
      .union([appAddress().transform((one) => [one]), several()])
      .describe(
        'Scheme, host and port, or `unix:` and the path of a socket; paths are passed on unchanged. Several addresses of the same app share its requests: each goes to the one with the fewest in progress, and one that takes no connection is left alone for a second, then for longer each time, up to 30.',
      ),
    ca: file(context, 'tls/corp-ca.pem')
      .optional()
      .describe('PEM file of the authority that an `https` app must chain to. Default: those of the system.'),
    client_certificate: z
      .strictObject({
        cert: file(context, 'tls/cardea-client.pem').describe(
          'PEM file: the certificate, then those that lead to its authority.',
        ),
        key: file(context, 'tls/cardea-client.key').describe('PEM file: the private key, not encrypted.'),
      })
      .optional()
      .describe('The certificate that Cardea shows to an `https` app which asks for one.'),
    connect_timeout: duration('100ms', '2m', '5s').prefault('5s').describe('How long a connection may take.'),
    response_timeout: duration('1s', '1d', '60s')
      .prefault('60s')
      .describe('From the end of a request to the head of its response. Streams may then last.'),
    credential: credential(context),
  });
  return z
    .union([
      appAddress().transform((url) => full.parse({ url })),
      several().transform((url) => full.parse({ url })),
      full,
    ])
    .describe('Where the app listens: an address, a list of them, or a mapping with the keys below.');
};

/** The addresses of one app are alike, and each is there once. */
function checkAddresses({ value, issues }: z.core.ParsePayload<string[]>): void {
  const kind = (address: string): string => address.slice(0, address.indexOf(':'));
  const [first = ''] = value;
  for (const [i, address] of value.entries()) {
    const before = value.indexOf(address);
    if (before < i) refuse({ issues }, `${address} is already in the list`, 'Keep it once.', [i]);
    else if (kind(address) !== kind(first))
      refuse(
        { issues },
        `${address} is not reached like ${first}, the first of the list`,
        'Let all addresses of an app begin alike: http, https or unix.',
        [i],
      );
  }
}

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

const streams = () =>
  z
    .strictObject({
      max_lifetime: duration('1m', '30d', '8h')
        .prefault('8h')
        .describe('A WebSocket or response is ended this long after it began, so that the page opens a new one.'),
      revalidate: duration('1s', '1h', '60s')
        .prefault('60s')
        .describe(
          'How often everything is asked again for those that are open: the session, the provider, groups, and the rules as they apply then. What is revoked ends at once.',
        ),
      keep_for: duration('10s', '1d', '5m')
        .prefault('5m')
        .describe(
          'How long they go on beyond that while it cannot be found out whether they may, because a directory or store is down. Then they end.',
        ),
      per_person: z
        .int()
        .min(1)
        .max(10_000)
        .prefault(100)
        .meta({ 'x-examples': [100] })
        .describe(
          'WebSockets and event streams that one person, or one API key, may have open here at a time. One more is answered with 429. Counted over all threads of a process.',
        ),
    })
    .prefault({})
    .describe(
      'WebSockets, event streams and other responses that last: they end with the sign-in that they belong to. Not with `sign_in: none`.',
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
        .optional()
        .meta({ 'x-examples': [[{ path: '/**', signed_in: true }]] })
        .describe(
          'Who may do what. The first rule whose path and methods fit decides; when none fits, the answer is refusal. Required, unless `sign_in` is `none`.',
        ),
      expect: expectations(),
      sign_in: z
        .union([z.array(word('negotiate')).min(1), z.literal('none')])
        .optional()
        .describe(
          'How people sign in here: names of `sign_in` entries, asked in this order. Default: all of them, in their order. `none`: not at all; everybody may do everything, and nothing is added to requests or responses. On a host, and in front of an upstream, that no app with sign-in shares, nothing is taken away or spelled anew either, identity-looking headers included; see [sign-in](sign-in.md#no-sign-in).',
        ),
      forwarded_headers: z
        .boolean()
        .optional()
        .meta({ 'x-examples': [true] })
        .describe(
          'Tells the app of the client and the request: `X-Forwarded-For`, `-Proto`, `-Host` and `X-Request-Id`, in the place of what the client sends under these names. Default: `true`, but `false` with `sign_in: none`.',
        ),
      csrf: z
        .boolean()
        .prefault(false)
        .describe(
          'Requests that change something by virtue of the session cookie must bring its token as `X-CSRF-Token`: the value of the cookie `__Host-cardea-csrf`, or of `csrf_token` in `/auth/me`.',
        ),
      streams: streams(),
      limits: appLimits(),
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
        .describe(
          'The `Host` that the app sees: the one of the browser, or the one of `upstream`, if that is one address with a host.',
        ),
      allowed_origins: z
        .array(origin('https://other.corp.example'))
        .prefault([])
        .describe(
          'Other sites whose pages may open WebSockets here and send requests that change something, with the sign-in of their person. The sites of `cors` with `credentials` are among them.',
        ),
      cors: cors(),
      response_headers: responseHeaders(),
      unauthorized: urlPath()
        .optional()
        .describe('Page of the app to which refused people are sent. Default: a page of Cardea.'),
    })
    .check((check) => {
      if (check.issues.length > 0) return;
      const { rules, sign_in: signIn } = check.value;
      if (rules === undefined && signIn !== 'none')
        refuse(check, 'the app has no rules', 'Say who may do what: rules: [{ path: /**, signed_in: true }]');
      if (rules !== undefined && signIn === 'none')
        refuse(
          check,
          'these rules decide nothing: the app has sign_in: none',
          'Remove the rules, or let people sign in; a rule with public: true lets everybody in.',
          ['rules'],
        );
    })
    .transform(({ assertion, rules, forwarded_headers: forwarded, ...rest }) => ({
      ...rest,
      forwarded_headers: forwarded ?? rest.sign_in !== 'none',
      rules: rules ?? [],
      assertion: { audience: assertion.audience ?? rest.name },
    }));

export const apps = (context: SchemaContext) =>
  z.array(app(context)).min(1).describe('The applications behind Cardea.').meta({
    'x-example':
      'apps:\n  - name: desk\n    host: desk.corp.example\n    upstream: http://127.0.0.1:3000\n    headers: { user: X-Remote-User, email: false }\n    rules:\n      - { path: /health, public: true }\n      - { path: /risk/**, module: Risk }\n      - { path: /**, signed_in: true }\n',
  });
