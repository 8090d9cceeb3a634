import { z } from 'zod';

/** For sign-in methods that say who somebody is, and may leave it to the directory which groups that person has. */
export const groupsFrom = () =>
  z
    .enum(['method', 'directory'])
    .prefault('method')
    .describe(
      'Where groups come from: what this method itself says, or all of the person in `directory.ldap`, asked again during the session.',
    );
