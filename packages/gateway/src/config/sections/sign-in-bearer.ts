import { z } from 'zod';
import { bearerAlgorithms } from '../../auth/bearer.ts';
import { file, type SchemaContext } from '../context.ts';
import { line } from '../values/account.ts';
import { duration, group, leaf, refuse } from '../values/leaf.ts';
import { groupsFrom } from './groups-from.ts';
import { claims, parseProviderId, parseProviderUrl } from './sign-in-oidc.ts';

const url = (example: string) => leaf('https URL', example, parseProviderUrl);

const issuer = (context: SchemaContext) =>
  z
    .strictObject({
      issuer: line('https://login.example/tenant').describe('The `iss` claim, letter for letter.'),
      audience: z
        .union([line('desk').transform((one) => [one]), z.array(line('desk')).min(1)])
        .describe('The `aud` claim must hold this, or one of these.'),
      jwks_url: url('https://login.example/keys')
        .optional()
        .describe('Where its keys are. Default: where its metadata says, below the issuer.'),
      keys: file(context, 'issuer-keys.json')
        .optional()
        .describe('Its keys in a file (JWK set), for an issuer that cannot be asked.'),
      algorithms: z
        .array(z.enum(bearerAlgorithms))
        .min(1)
        .prefault(['RS256', 'ES256'])
        .describe('What its tokens may be signed with.'),
      type: line('at+jwt')
        .optional()
        .describe('The `typ` that the header must have. Default: none, `JWT` or `at+jwt`.'),
      claims: claims().describe('Which claims of the token say what.'),
      group_names: z
        .record(z.string(), group())
        .prefault({})
        .describe('Names for groups by the id that the issuer gives them.'),
      groups_from: groupsFrom('the claims of the token'),
      ca: file(context, 'tls/corp-ca.pem')
        .optional()
        .describe(
          "PEM file of the authority that the issuer's certificate must chain to. Default: those of the system.",
        ),
      timeout: duration('100ms', '1m', '5s').prefault('5s').describe('How long to wait for its keys.'),
    })
    .check(({ value, issues }) => {
      if (value.jwks_url !== undefined && value.keys !== undefined)
        refuse({ issues }, 'it stands beside jwks_url', 'Keep one of the two.', ['keys']);
      if (value.jwks_url === undefined && value.keys === undefined) {
        const address = parseProviderUrl(value.issuer);
        if (address.kind === 'wrong')
          refuse(
            { issues },
            'its keys cannot be found: the issuer is no https URL',
            'Add jwks_url, or keys. Where it is our own issuer, write both with https, or with http://localhost.',
            ['issuer'],
          );
      }
    });

/** Sign-in with a bearer token of another issuer. */
export const bearer = (context: SchemaContext) =>
  z
    .strictObject({
      id: leaf('name', 'partners', parseProviderId).optional().describe('Its name here. Default: `bearer`.'),
      issuers: z.array(issuer(context)).min(1).describe('Whose tokens are believed.'),
    })
    .check(({ value, issues }) => {
      for (const [i, one] of value.issuers.entries())
        if (value.issuers.findIndex((other) => other.issuer === one.issuer) < i)
          refuse({ issues }, `${one.issuer} is already in the list`, 'Keep one entry for each issuer.', [
            'issuers',
            i,
            'issuer',
          ]);
    })
    .describe('Programs that send a JWT of an issuer that you name, as `Authorization: Bearer`.');
