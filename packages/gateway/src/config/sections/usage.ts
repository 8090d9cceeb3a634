import { z } from 'zod';
import { file, type SchemaContext, secret } from '../context.ts';
import { duration } from '../values/leaf.ts';
import { postgresUrl } from '../values/postgres-url.ts';

const postgres = (context: SchemaContext) =>
  z
    .strictObject({
      url: postgresUrl().describe(
        'Host, port and database: `postgres://pg.corp.example:5432/cardea`; for a socket `postgres:///cardea?host=/run/postgresql`. The connection has TLS, and the server must show a certificate for this host; without TLS goes only what stays on this machine.',
      ),
      user: z
        .string()
        .min(1)
        .meta({ 'x-examples': ['cardea'] })
        .describe('A role that may make a schema in that database, or owns its schema `cardea`.'),
      password: secret(context, '${file:/run/secrets/postgres}').optional().describe('Its password.'),
      ca: file(context, 'tls/corp-ca.pem')
        .optional()
        .describe(
          "PEM file of the authority that the server's certificate must chain to. Default: those of the system. With it, there is TLS on loopback, too.",
        ),
      timeout: duration('100ms', '30s', '5s')
        .prefault('5s')
        .describe(
          'How long writing some records may take, and as long again for a connection. No request waits for it.',
        ),
    })
    .optional()
    .describe('A PostgreSQL that several gateways may share, instead of the database in `state`.');

/** `false`: nothing is kept. */
export const usage = (context: SchemaContext) =>
  z
    .union([
      z.strictObject({
        retain: duration('1d', '3650d', '90d')
          .prefault('90d')
          .describe('How long each request is kept. Of gateways that share a PostgreSQL, the shortest counts.'),
        postgres: postgres(context),
      }),
      z.literal(false),
    ])
    .prefault({})
    .describe(
      'One record for each request to an app with limits: who, which model, how many tokens, how long, refused or not; never what was asked or answered. They lie in the database in `state` or in a PostgreSQL, for `cardea usage` and `/api/usage`. `false` keeps none.',
    )
    .meta({
      'x-example':
        'usage:\n  retain: 90d\n  postgres:\n    url: postgres://pg.corp.example:5432/cardea\n    user: cardea\n    password: "${file:/run/secrets/postgres}"\n    ca: tls/corp-ca.pem\n',
    });
