import { z } from 'zod';
import { duration } from '../values/leaf.ts';

export const authorizationApi = () =>
  z
    .strictObject({
      ttl: duration('0s', '10m', '30s')
        .prefault('30s')
        .describe(
          'How long an app may use an answer again; it stands in the answer. What the directory says about somebody is itself up to `directory.ldap.cache` old.',
        ),
    })
    .prefault({})
    .describe('`POST /auth/check`: apps ask what somebody may do.')
    .meta({ 'x-example': 'authorization_api: { ttl: 30s }\n' });
