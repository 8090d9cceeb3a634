import { z } from 'zod';
import { credentialKinds } from '../../policy/rule.ts';
import { group, pattern, refuse } from '../values/leaf.ts';
import { method, word } from '../values/name.ts';

const conditions = ['public', 'signed_in', 'groups', 'roles', 'module', 'credentials'] as const;

export const rule = () =>
  z
    .strictObject({
      path: pattern().describe(
        'Which paths: `*` is anything within one segment, `**` any number of segments. `/risk/**` is `/risk` and all below it.',
      ),
      methods: z.array(method()).min(1).optional().describe('Only for these HTTP methods. Default: all.'),
      public: z.literal(true).optional().describe('Anybody may, signed in or not. Stands alone.'),
      signed_in: z.literal(true).optional().describe('Anybody who is signed in may.'),
      groups: z.array(group()).min(1).optional().describe('Members of any of these groups may: names or SIDs.'),
      roles: z.array(word('risk')).min(1).optional().describe('Who has any of these roles may.'),
      module: word('Risk').optional().describe('Who has a role that opens this module may.'),
      credentials: z
        .array(z.enum(credentialKinds))
        .min(1)
        .optional()
        .describe(
          'The request must carry all of these. `session` is any way to sign in that begins a session. `[api_key, approval]`: a program, and somebody who has approved what it does.',
        ),
    })
    .check((check) => {
      if (check.issues.length > 0) return; // a misspelled condition has been reported
      const named = conditions.filter((name) => check.value[name] !== undefined);
      if (named.length === 0)
        refuse(
          check,
          'the rule says nothing about who may pass',
          'Add a condition: signed_in: true, groups, roles, module, credentials, or public: true.',
        );
      if (check.value.public && named.length > 1)
        refuse(
          check,
          `public stands beside ${named.filter((name) => name !== 'public').join(', ')}`,
          'Remove public, or the other conditions: a public path asks for nothing.',
          ['public'],
        );
    });
