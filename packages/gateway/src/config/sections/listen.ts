import { z } from 'zod';
import { file, type SchemaContext } from '../context.ts';
import { address, network, prefix } from '../values/leaf.ts';

const listener = (context: SchemaContext) =>
  z.strictObject({
    address: address().describe('IP address (or `localhost`) and port. IPv6 in brackets and quotes: `"[::]:8443"`.'),
    tls: z
      .strictObject({
        cert: file(context, 'tls/gateway.pem').describe(
          'PEM file: the certificate, then those that lead to its authority.',
        ),
        key: file(context, 'tls/gateway.key').describe('PEM file: the private key, not encrypted.'),
      })
      .optional()
      .describe('Without it this address speaks plain HTTP.'),
    dangerously_plain_http: z
      .boolean()
      .prefault(false)
      .describe(
        'Allows plain HTTP on an address that others can reach. Cookies and sign-ins can then be read on the way. Not needed on loopback, nor behind a TLS terminator that `trusted_proxies` names.',
      ),
  });

export const listen = (context: SchemaContext) =>
  z
    .union([listener(context), z.array(listener(context)).min(1)])
    .prefault([{ address: '127.0.0.1:8080' }])
    .transform((one) => (Array.isArray(one) ? one : [one]))
    .describe('Where Cardea listens: one address, or a list of them. Default: plain HTTP on 127.0.0.1:8080.')
    .meta({
      'x-example': 'listen:\n  address: 0.0.0.0:8443\n  tls: { cert: tls/gateway.pem, key: tls/gateway.key }\n',
    });

export const admin = () =>
  z
    .union([
      z.strictObject({
        address: address().prefault('127.0.0.1:9464').describe('Keep it on loopback, or in a network of its own.'),
      }),
      z.literal(false),
    ])
    .prefault({})
    .describe('The second address, for machines: `/metrics`, `/healthz`, `/readyz`. `false` switches it off.')
    .meta({ 'x-example': 'admin: { address: 127.0.0.1:9464 }\n' });

export const trustedProxies = () =>
  z
    .array(network())
    .prefault([])
    .describe(
      'Networks of the proxies in front of Cardea. Only from these are `X-Forwarded-For` and `X-Forwarded-Proto` believed; from all others they are removed.',
    )
    .meta({ 'x-example': 'trusted_proxies: [10.20.0.0/16]\n' });

export const ownPrefix = () =>
  prefix()
    .prefault('/auth')
    .describe(
      "Path of Cardea's own endpoints on the host of every app, such as `/auth/me`. No app sees requests below it.",
    )
    .meta({ 'x-example': 'prefix: /auth\n' });
