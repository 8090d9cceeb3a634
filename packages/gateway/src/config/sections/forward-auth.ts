import { z } from 'zod';
import { dialectNames } from '../../wire/forward-auth-question.ts';
import { network } from '../values/leaf.ts';

const asker = () =>
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
  });

/** Absent, it is an empty list: nobody may ask. */
export const forwardAuth = () =>
  z
    .union([asker(), z.array(asker()).min(1)])
    .optional()
    .transform((one) => (one === undefined ? [] : Array.isArray(one) ? one : [one]))
    .describe(
      'Lets a proxy that carries the requests itself ask at `<prefix>/validate` whether one may pass, and who it is (nginx `auth_request`, Traefik `forwardAuth`, Caddy `forward_auth`, HAProxy, Envoy `ext_authz`). Only `trusted_proxies` may ask. Default: nobody. See [forward-auth](forward-auth.md).',
    )
    .meta({ 'x-example': 'forward_auth: { proxy: nginx }\n' });
