import { z } from 'zod';
import { file, type SchemaContext, secret } from '../context.ts';
import { duration } from '../values/leaf.ts';
import { redisUrl } from '../values/redis-url.ts';

const server = (context: SchemaContext) =>
  z.strictObject({
    url: redisUrl().describe(
      'One server, or the address of whatever leads to the primary. `rediss://` is TLS; a path is the number of a database: `rediss://redis.corp.example:6379/2`.',
    ),
    user: z
      .string()
      .min(1)
      .optional()
      .meta({ 'x-examples': ['cardea'] })
      .describe('An ACL user. Default: `default`.'),
    password: secret(context, '${file:/run/secrets/redis}').optional().describe('Its password.'),
    ca: file(context, 'tls/corp-ca.pem')
      .optional()
      .describe("PEM file of the authority that the server's certificate must chain to. Default: those of the system."),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/)
      .prefault('cardea')
      .meta({ 'x-examples': ['cardea'] })
      .describe(
        'All keys begin with it, in braces: `{cardea}:`. Gateways with the same prefix share everything; letters, digits, `.`, `_` and `-`.',
      ),
    timeout: duration('50ms', '10s', '500ms')
      .prefault('500ms')
      .describe('How long one question may take. Requests that need an answer fail after that.'),
  });

/** Absent, it is `false`: as with `admin`, what is `undefined` to a check is a section with a fault. */
export const redis = (context: SchemaContext) =>
  z
    .union([server(context), z.literal(false)])
    .prefault(false)
    .describe(
      'A Redis (6 or newer) or Valkey that several gateways share: single-use claims, revocations, API keys, and who is signed in. Without it they lie in the database in `state`, for one machine. Set `maxmemory-policy noeviction` there.',
    )
    .meta({
      'x-example':
        'redis:\n  url: rediss://redis.corp.example:6379\n  user: cardea\n  password: "${file:/run/secrets/redis}"\n  ca: tls/corp-ca.pem\n',
    });
