import { z } from 'zod';

/**
 * Where the groups come from of people whom a sign-in method has signed in: one word for the same thing with every method.
 * `own`: what the method itself says about groups.
 */
export const groupsFrom = (own: string) =>
  z
    .enum(['method', 'directory'])
    .prefault('method')
    .describe(
      `Where groups come from: from this method itself (${own}), or from the directory, which is asked for all groups of the person (\`directory.ldap\` or \`directory.graph\`), also again during the session.`,
    );
