import { z } from 'zod';
import { type SchemaContext, secret } from '../context.ts';
import { headerName, leaf, network } from '../values/leaf.ts';
import { accountNames } from './account-names.ts';
import { groupsFrom } from './groups-from.ts';
import { parseProviderId } from './sign-in-oidc.ts';

/** Sign-in by a header of IIS or another proxy. */
export const trustedHeader = (context: SchemaContext) =>
  z
    .strictObject({
      id: leaf('name', 'iis', parseProviderId).optional().describe('Its name here. Default: `trusted_header`.'),
      from: z
        .array(network())
        .min(1)
        .prefault(['127.0.0.1/32', '::1/128'])
        .describe(
          'Peers that may speak for people, by the address of the connection itself. Whoever can connect from there can be anybody. From all others the header is removed.',
        ),
      header: headerName()
        .prefault('X-Remote-User')
        .describe('The header with the name: `CORP\\\\alice`, `alice@corp.example` or `alice`.'),
      encoding: z
        .enum(['utf-8', 'percent'])
        .prefault('utf-8')
        .describe('How characters outside ASCII are written in the header.'),
      ...accountNames(),
      secret: z
        .strictObject({
          header: headerName().prefault('X-Cardea-Proxy-Secret').describe('The header that carries it.'),
          value: secret(context, '${file:/run/secrets/proxy}').describe('What the peer has to send there.'),
        })
        .optional()
        .describe('A secret that the peer sends with each request, where others can connect from its address.'),
      session: z
        .boolean()
        .prefault(false)
        .describe('Begins a session, so that requests are known as well that do not carry the header.'),
      groups_from: groupsFrom('it tells none'),
    })
    .describe('People whom a server in front has signed in, such as IIS with Windows authentication.');
