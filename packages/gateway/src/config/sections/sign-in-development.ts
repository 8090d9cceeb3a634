import { z } from 'zod';
import type { SchemaContext } from '../context.ts';
import { line } from '../values/account.ts';
import { group } from '../values/leaf.ts';

/** The development identity. */
export const development = (_context: SchemaContext) =>
  z
    .strictObject({
      account: line('DEV\\me').describe('What apps get as the user.'),
      upn: line('me@corp.example').optional().describe('User principal name.'),
      name: line('Me').optional().describe('Display name.'),
      email: line('me@corp.example').optional().describe('E-mail address.'),
      groups: z.array(group()).prefault([]).describe('Names of groups.'),
    })
    .describe(
      'For development only: everybody on this machine is this person, without any proof. Works on loopback alone, is written into the log and on every page, and makes `cardea check --production` fail.',
    );
