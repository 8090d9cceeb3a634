import { z } from 'zod';
import { file, type SchemaContext, secret } from '../context.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';
import { upnSuffix } from '../values/account.ts';
import { isLoopback } from '../values/address.ts';
import { domain, duration, group, type Leaf, leaf, origin, refuse } from '../values/leaf.ts';
import { parseOrigin } from '../values/url.ts';

/** A tenant: its id, or one of its domains. `common` and its like are no directory that could be read. */
function parseTenant(text: string): Parsed<string> {
  if (/^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:[a-z0-9-]{1,63}\.)+[a-z]{2,63})$/.test(text)) return ok(text);
  return wrong(
    `"${text}" is not a tenant`,
    'Write the directory (tenant) id in lower case, as the Entra admin centre shows it.',
  );
}

/** Secrets and tokens are sent there. */
function parseCloud(text: string, example: string): Parsed<string> {
  const parsed = parseOrigin(text, example);
  if (parsed.kind === 'wrong') return parsed;
  const { protocol, hostname } = new URL(parsed.value);
  if (protocol === 'https:' || isLoopback(hostname.replace(/^\[|\]$/g, ''))) return parsed;
  return wrong(`"${text}" is not encrypted`, `Write it like ${example}.`);
}

const cloud = (example: string): Leaf<string> => leaf('https URL', example, (text) => parseCloud(text, example));

/** Microsoft Entra ID as the directory of people. */
export const graph = (context: SchemaContext) =>
  z
    .strictObject({
      tenant: leaf('tenant', '2f0c7d1e-0a52-4c6a-9f4e-6a1f1f0e7c11', parseTenant).describe(
        'Whose directory it is: the tenant id, or one of its domains.',
      ),
      client_id: z
        .string()
        .min(1)
        .meta({ 'x-examples': ['8a1f3c52-7d0e-4f53-9d2b-0c5d5b0a9c11'] })
        .describe(
          'The application in Entra whose rights are used. It needs the application permissions User.Read.All and GroupMember.Read.All, with the consent of an administrator.',
        ),
      client_secret: secret(context, '${file:/run/secrets/graph}').optional().describe('Its secret.'),
      client_key: file(context, '/etc/cardea/graph.key')
        .optional()
        .describe('Its private key (PEM, PKCS #8) instead of a secret.'),
      client_certificate: file(context, '/etc/cardea/graph.pem')
        .optional()
        .describe('The certificate by which Entra knows that key.'),
      names: z
        .enum(['none', 'on_premises', 'display'])
        .prefault('on_premises')
        .describe(
          'The name of groups that `group_names` does not name: none (the id), that of the synchronised AD group (the id, where there is none), or the display name. People can make groups and choose their display names themselves in many tenants.',
        ),
      group_names: z
        .record(z.string(), group())
        .prefault({})
        .describe('Names for groups by their id. They have the last word.'),
      domains: z
        .record(upnSuffix(), domain())
        .prefault({})
        .describe(
          'Short domain names by the DNS name of a synchronised domain: `corp.example: CORP`. Without it nobody is found by an account such as `CORP\\\\alice`, only by UPN or SID.',
        ),
      cache: duration('10s', '1d', '10m').prefault('10m').describe('How long an answer is kept.'),
      keep_for: duration('0s', '7d', '8h')
        .prefault('8h')
        .describe(
          'How long the last known groups of a person serve while Graph does not answer. After that there are none.',
        ),
      login: cloud('https://login.microsoftonline.com')
        .prefault('https://login.microsoftonline.com')
        .describe('Where tokens come from. Another one for national clouds.'),
      url: cloud('https://graph.microsoft.com')
        .prefault('https://graph.microsoft.com')
        .describe('Another one for national clouds.'),
      ca: file(context, 'tls/corp-ca.pem')
        .optional()
        .describe(
          "PEM file of the authority that both servers' certificates must chain to. Default: those of the system.",
        ),
      proxy: origin('http://proxy.corp.example:3128').optional().describe('The proxy on the way to Microsoft.'),
      timeout: duration('500ms', '1m', '5s').prefault('5s').describe('How long to wait for an answer.'),
    })
    .check((check) => {
      const { client_secret: secretText, client_key: key, client_certificate: certificate } = check.value;
      if ((secretText === undefined) === (key === undefined))
        refuse(
          check,
          key === undefined ? 'nothing proves who we are' : 'there is a secret as well',
          'Write one of client_secret and client_key.',
          [key === undefined ? 'client_secret' : 'client_key'],
        );
      if ((key === undefined) !== (certificate === undefined))
        refuse(check, 'a key and its certificate belong together', 'Write both, or a client_secret alone.', [
          key === undefined ? 'client_certificate' : 'client_key',
        ]);
    })
    .describe(
      'Microsoft Entra ID by Microsoft Graph: all security groups of people whose sign-in method leaves them to the directory.',
    );
