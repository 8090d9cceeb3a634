import { z } from 'zod';
import { dialectNames } from '../../wire/forward-auth-question.ts';
import { file, type SchemaContext } from '../context.ts';
import { address, network } from '../values/leaf.ts';
import type { CertificateFiles } from './listen.ts';

const grpc = (context: SchemaContext) =>
  z.strictObject({
    address: address().describe('IP address (or `localhost`) and port, for this alone.'),
    tls: z
      .strictObject({
        cert: file(context, 'tls/grpc.pem').describe(
          'PEM file: the certificate, then those that lead to its authority.',
        ),
        key: file(context, 'tls/grpc.key').describe('PEM file: the private key, not encrypted.'),
        client_ca: file(context, 'tls/envoy-ca.pem')
          .optional()
          .describe('PEM file: Envoy has to show a certificate of this authority. Default: none is asked for.'),
      })
      .transform(({ cert, key, client_ca }): GrpcCertificate => ({ pair: [{ cert, key, at: [] }], client_ca }))
      .optional()
      .describe(
        'Without it questions travel in plain text, with the cookies that are in them. Renewed as in `listen`.',
      ),
  });

/** The certificate of an address for gRPC, in the form of those of listeners. */
export interface GrpcCertificate {
  readonly pair: readonly CertificateFiles[];
  readonly client_ca: string | undefined;
}

const asker = (context: SchemaContext) =>
  z.strictObject({
    proxy: z
      .enum(dialectNames)
      .meta({ 'x-examples': ['nginx'] })
      .describe(
        'Which program asks. They differ in the fields by which they tell of the original request, and in what they can do with the answer.',
      ),
    from: z
      .array(network())
      .min(1)
      .optional()
      .describe('Networks of these proxies, when several kinds of them ask. Default: all `trusted_proxies`.'),
    grpc: grpc(context)
      .optional()
      .describe(
        'Envoy asks by gRPC (`envoy.service.auth.v3.Authorization`), at an address of its own, instead of at `<prefix>/validate`. Connections from anywhere else than `from` are closed.',
      ),
  });

/** Absent, it is an empty list: nobody may ask. */
export const forwardAuth = (context: SchemaContext) =>
  z
    .union([asker(context), z.array(asker(context)).min(1)])
    .optional()
    .transform((one) => (one === undefined ? [] : Array.isArray(one) ? one : [one]))
    .describe(
      'Lets a proxy that carries the requests itself ask at `<prefix>/validate` whether one may pass, and who it is (nginx `auth_request`, Traefik `forwardAuth`, Caddy `forward_auth`, HAProxy, Envoy `ext_authz`). Only `trusted_proxies` may ask. Default: nobody. See [forward-auth](forward-auth.md).',
    )
    .meta({ 'x-example': 'forward_auth: { proxy: nginx }\n' });
