import { z } from 'zod';
import { file, type SchemaContext, secret } from '../context.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';
import { isLoopback } from '../values/address.ts';
import { duration, group, type Leaf, leaf, origin, refuse } from '../values/leaf.ts';

/** The name of an entry: it stands in the addresses that the provider sends people back to. */
export function parseProviderId(text: string): Parsed<string> {
  if (/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(text)) return ok(text);
  return wrong(
    `"${text}" is not a name for a provider`,
    'Use lower-case letters, digits and hyphens, 32 at most, for example entra.',
  );
}

/** An issuer or metadata URL: https, or http on this machine, kept letter for letter since tokens are compared with it. */
export function parseProviderUrl(text: string): Parsed<string> {
  const example = 'Write it like https://login.example/realms/corp.';
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(text) || !URL.canParse(text))
    return wrong(`"${text.replace(/^.*@/, '…@')}" is not an https URL`, example);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    return wrong('the URL holds a user name or password', 'Remove them: nothing secret belongs into a URL.');
  if (url.search !== '' || url.hash !== '' || /[?#\\]/.test(text))
    return wrong(`"${text}" has a query, a fragment or a backslash`, example);
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, '')))
    return wrong(`"${text}" is not encrypted`, 'Use https. Only a provider on this very machine may be asked by http.');
  return ok(text);
}

/** A claim's name, or the way to it through objects. */
function parseClaim(text: string): Parsed<string> {
  if (text.trim() === text && text !== '' && text.length <= 200 && !/[{}\p{Cc}]/u.test(text)) return ok(text);
  return wrong(`"${text}" is not a claim`, 'Write a name such as preferred_username.');
}

/** A claim for the account, or a template with claims in braces. */
function parseAccount(text: string): Parsed<string> {
  const isTemplate = text.includes('{');
  if (parseClaim(isTemplate ? text.replace(/\{[^{}\s]+\}/g, 'x') : text).kind === 'ok') return ok(text);
  return wrong(`"${text}" is neither a claim nor a template`, 'Write preferred_username, or CORP\\{samaccountname}.');
}

function parseScope(text: string): Parsed<string> {
  if (/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(text)) return ok(text);
  return wrong(`"${text}" is not a scope`, 'Write one scope, for example profile.');
}

function parseTenant(text: string): Parsed<string> {
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return ok(text);
  return wrong(
    `"${text}" is not the id of a tenant`,
    'Write the directory (tenant) id in lower case, as the Entra admin centre shows it.',
  );
}

const providerUrl = (example: string): Leaf<string> => leaf('https URL', example, parseProviderUrl);
const account = (): Leaf<string> => leaf('claim or template', 'CORP\\{samaccountname}', parseAccount);
const claim = (example: string): Leaf<string> => leaf('claim', example, parseClaim);

/** Which claims say what, for tokens of any kind. */
export const claims = () =>
  z
    .strictObject({
      user: z
        .union([account().transform((one) => [one]), z.array(account()).min(1)])
        .optional()
        .describe(
          'The account that apps get: the first of these that is there. With braces it is a template, as in `CORP\\{samaccountname}`. Default: `preferred_username`, then a verified `email`, then `sub`.',
        ),
      subject: claim('sub')
        .prefault('sub')
        .describe('What stays the same for one person for ever. For Entra: `oid`, which all your applications share.'),
      name: claim('name').prefault('name').describe('The display name.'),
      email: claim('email').prefault('email').describe('The e-mail address.'),
      upn: claim('upn').prefault('upn').describe('`alice@corp.example`, where it differs from the address.'),
      groups: claim('groups')
        .optional()
        .describe('The list of groups. A name may lead into objects: `realm_access.roles`. Default: none is read.'),
      roles: claim('roles')
        .optional()
        .describe('The list of app roles; they become groups with `role:` in front, such as `role:Trader`.'),
    })
    .prefault({})
    .describe('Which claims of the ID token say what.');

const graph = () =>
  z
    .strictObject({
      url: origin('https://graph.microsoft.com')
        .prefault('https://graph.microsoft.com')
        .describe('Another one for national clouds.'),
      names: z
        .enum(['none', 'on_premises', 'display'])
        .prefault('none')
        .describe(
          'The name of groups that `group_names` does not name: none (the id), that of the synchronised AD group, or the display name. People can make groups and choose their display names themselves in many tenants.',
        ),
      on_failure: z
        .enum(['refuse', 'without_groups'])
        .prefault('refuse')
        .describe('What happens when the groups cannot be had. Without groups, a note stands in the audit log.'),
    })
    .prefault({})
    .describe(
      'Microsoft Graph, which is asked with the token of the person: for `groups_from: graph`, and when there are too many groups for a token.',
    );

/** One entry of `sign_in`: an OpenID Connect provider. There may be any number of them. */
export const oidc = (context: SchemaContext) =>
  z
    .strictObject({
      id: leaf('name', 'entra', parseProviderId)
        .prefault('oidc')
        .describe('Its name here. The provider must know `https://<host>/auth/callback/<id>` for each host.'),
      name: z
        .string()
        .min(1)
        .max(60)
        .prefault('your organisation')
        .meta({ 'x-examples': ['Company account'] })
        .describe('What its button says.'),
      issuer: providerUrl('https://login.microsoftonline.com/TENANT/v2.0')
        .optional()
        .describe('The provider, as its tokens name it. Its metadata is found below it.'),
      discovery: providerUrl('https://login.example/.well-known/openid-configuration')
        .optional()
        .describe('The URL of the metadata, where it is not below the issuer.'),
      client_id: z
        .string()
        .min(1)
        .meta({ 'x-examples': ['cardea'] })
        .describe('Our name at the provider.'),
      client_secret: secret(context, '${file:/run/secrets/entra}')
        .optional()
        .describe('Our secret there. Without one, and without a key, this is a public client.'),
      client_auth: z
        .enum(['client_secret_basic', 'client_secret_post'])
        .optional()
        .describe('How the secret is sent. Default: as the provider says.'),
      client_key: file(context, '/etc/cardea/entra.key')
        .optional()
        .describe('Private key (PEM, PKCS #8) instead of a secret: `private_key_jwt`.'),
      client_key_id: z
        .string()
        .min(1)
        .optional()
        .meta({ 'x-examples': ['2026-11'] })
        .describe('Its `kid` at the provider.'),
      client_certificate: file(context, '/etc/cardea/entra.pem')
        .optional()
        .describe('Its certificate, where the provider knows the key by it, as Entra does.'),
      scopes: z
        .array(leaf('scope', 'profile', parseScope))
        .min(1)
        .prefault(['openid', 'profile', 'email'])
        .describe(
          'What is asked for; `openid` among it. `offline_access` as well where the provider wants it for `refresh`.',
        ),
      claims: claims(),
      userinfo: z
        .boolean()
        .prefault(false)
        .describe('Asks the provider for claims that are not in its ID tokens. When that fails, nobody is signed in.'),
      groups_from: z
        .enum(['method', 'graph', 'directory'])
        .prefault('method')
        .describe(
          'Where groups come from: from this method itself (the claims); from Microsoft Graph with the token of the person; or from the directory (`directory.ldap` or `directory.graph`), which finds people by UPN: for Entra, `claims.upn` has to name a claim that is there (an optional claim, or `preferred_username` where it is the UPN).',
        ),
      group_names: z
        .record(z.string(), group())
        .prefault({})
        .describe('Names for groups by the id that the provider gives them. A group without a name keeps its id.'),
      groups_allowed: z
        .array(group())
        .prefault([])
        .describe('Only members of one of these groups may sign in. Empty: everybody whom the provider lets in.'),
      tenants: z
        .array(leaf('tenant id', '2f0c7d1e-0a52-4c6a-9f4e-6a1f1f0e7c11', parseTenant))
        .prefault([])
        .describe('Entra tenants that people may come from. Required when the issuer stands for several.'),
      graph: graph(),
      refresh: z
        .boolean()
        .prefault(false)
        .describe(
          'Asks the provider again during a session, so that people and groups that were removed there are noticed.',
        ),
      refresh_every: duration('1m', '1d', '15m').prefault('15m').describe('How often, while the session is used.'),
      post_logout: z
        .boolean()
        .prefault(true)
        .describe('Signing out here leads on to the provider, to sign out there too.'),
      ca: file(context, 'tls/corp-ca.pem')
        .optional()
        .describe(
          "PEM file of the authority that the provider's certificate must chain to. Default: those of the system.",
        ),
      proxy: origin('http://proxy.corp.example:3128').optional().describe('The proxy on the way to the provider.'),
      timeout: duration('500ms', '30s', '5s')
        .prefault('5s')
        .describe('How long to wait for an answer of the provider.'),
    })
    .check((check) => {
      const { value } = check;
      if (value.issuer === undefined && value.discovery === undefined)
        refuse(check, 'neither issuer nor discovery is given', 'Write issuer: https://login.example/realms/corp');
      if (!value.scopes.includes('openid'))
        refuse(check, '"openid" is missing', 'Without it, no ID token is given. Add openid.', ['scopes']);
      if (value.client_secret !== undefined && value.client_key !== undefined)
        refuse(check, 'there is a secret as well', 'Keep one of client_secret and client_key.', ['client_key']);
      for (const name of ['client_key_id', 'client_certificate'] as const)
        if (value[name] !== undefined && value.client_key === undefined)
          refuse(check, 'there is no client_key that it belongs to', 'Add client_key, or remove it.', [name]);
      if (value.client_auth !== undefined && value.client_secret === undefined)
        refuse(check, 'there is no secret to send', 'Add client_secret, or remove it.', ['client_auth']);
      if (value.groups_from === 'directory' && value.groups_allowed.length > 0)
        refuse(
          check,
          'groups from the directory are not known yet when somebody signs in',
          'Let rules decide instead.',
          ['groups_allowed'],
        );
    })
    .describe('OpenID Connect: Microsoft Entra ID, Keycloak, Okta, or any other provider. One entry for each.');
