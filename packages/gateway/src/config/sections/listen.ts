import { z } from 'zod';
import { file, type SchemaContext, secret } from '../context.ts';
import { address, network, prefix, refuse } from '../values/leaf.ts';

const certificate = (context: SchemaContext) => ({
  cert: file(context, 'tls/gateway.pem').describe('PEM file: the certificate, then those that lead to its authority.'),
  key: file(context, 'tls/gateway.key').describe('PEM file: the private key, not encrypted.'),
});

const tls = (context: SchemaContext) => {
  const { cert, key } = certificate(context);
  return z
    .strictObject({
      cert: cert.optional().describe(`${cert.description} Needed, unless there are \`certificates\`.`),
      key: key.optional().describe(`${key.description} Needed, unless there are \`certificates\`.`),
      certificates: z
        .array(z.strictObject(certificate(context)))
        .min(1)
        .optional()
        .describe(
          'Instead of `cert` and `key`: several of them. A browser gets the one that has the name it asks for, and the first one if none has. The names are those in the certificates.',
        ),
    })
    .transform((written, { issues }): CertificateFiles[] => {
      const { cert: certFile, key: keyFile, certificates } = written;
      const refusing = (name: string, message: string, fix: string): never => {
        refuse({ issues }, message, fix, [name]);
        return z.NEVER;
      };
      if (certificates !== undefined) {
        if (certFile === undefined && keyFile === undefined)
          return certificates.map((one, i) => ({ ...one, at: ['certificates', i] }));
        return refusing(
          'certificates',
          'it stands beside cert or key',
          'Put cert and key into the list as its first entry.',
        );
      }
      if (certFile === undefined) return refusing('cert', 'it is missing', 'Add it, for example cert: tls/gateway.pem');
      if (keyFile === undefined) return refusing('key', 'it is missing', 'Add it, for example key: tls/gateway.key');
      return [{ cert: certFile, key: keyFile, at: [] }];
    });
};

/** The files of one certificate of a listener. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  /** Where they stand below `tls`, for messages. */
  readonly at: readonly (string | number)[];
}

const listener = (context: SchemaContext) =>
  z.strictObject({
    address: address().describe('IP address (or `localhost`) and port. IPv6 in brackets and quotes: `"[::]:8443"`.'),
    tls: tls(context)
      .optional()
      .describe(
        'Without it this address speaks plain HTTP. The files are looked at every few seconds: a renewed certificate is taken without a restart, one that is not right is left alone.',
      ),
    client_ca: file(context, 'tls/corp-client-ca.pem')
      .optional()
      .describe(
        'PEM file of the authorities whose certificates clients may sign in with (`client_certificate` in `sign_in`). Each client is asked for one, and may go without. Needs `tls`.',
      ),
    proxy_protocol: z
      .strictObject({
        from: z
          .array(network())
          .min(1)
          .describe(
            'Networks of the load balancers. Each of their connections must begin with a PROXY protocol header (version 1 or 2); connections from anywhere else are closed.',
          ),
      })
      .optional()
      .describe(
        'For a load balancer that passes TLS through and says by the PROXY protocol for whom it has connected. The address in that header counts as the peer in everything that follows: in the audit log, in `limits`, and for `trusted_proxies`.',
      ),
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

export const admin = (context: SchemaContext) =>
  z
    .union([
      z.strictObject({
        address: address().prefault('127.0.0.1:9464').describe('Keep it on loopback, or in a network of its own.'),
        token: secret(context, '${file:/run/secrets/admin-token}')
          .optional()
          .describe(
            'What `POST /api/explain` and `GET /api/usage` ask for, as `Authorization: Bearer …`. Without it, only programs on this machine are answered.',
          ),
      }),
      z.literal(false),
    ])
    .prefault({})
    .describe(
      'The second address, for machines: `/metrics`, `/healthz`, `/readyz`, `/api/explain`, `/api/usage`. `false` switches it off.',
    )
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
