import { z } from 'zod';
import type { SchemaContext } from '../context.ts';
import { accountNames } from './account-names.ts';
import { groupsFrom } from './groups-from.ts';

/** Sign-in with a client certificate. */
export const clientCertificate = (_context: SchemaContext) =>
  z
    .strictObject({
      account: z
        .enum(['upn', 'email', 'dns', 'cn'])
        .prefault('upn')
        .describe(
          'Which name in the certificate says who it is: the user principal name, e-mail address or host name among the alternative names, or the common name of the subject. A certificate with two of them is refused.',
        ),
      ...accountNames(),
      groups_from: groupsFrom('it tells none'),
    })
    .describe(
      'People and programs with a certificate of an authority that the listener names in `client_ca`. Whoever has none may sign in by other means.',
    );
