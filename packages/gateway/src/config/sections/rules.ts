import { z } from 'zod';
import { besidePublic } from '../../policy/compile.ts';
import { allTerms, credentialKinds, type Terms, termBounds } from '../../policy/rule.ts';
import { hours } from '../values/hours.ts';
import { clientNetwork, duration, group, pattern, refuse } from '../values/leaf.ts';
import { method, word } from '../values/name.ts';

/** A list, or the one entry of it alone. */
const listOf = <T>(item: z.ZodType<T>) =>
  z.union([item, z.array(item).min(1)]).transform((one): T[] => (Array.isArray(one) ? one : [one]));

const simple = () => ({
  signed_in: z.literal(true).optional().describe('Anybody who is signed in may.'),
  max_age: duration('1m', '30d', '15m')
    .optional()
    .describe('Who signed in no longer ago than this may. Others are asked to sign in again.'),
  networks: listOf(clientNetwork())
    .optional()
    .describe('Clients with an address in any of these networks may, behind `trusted_proxies` too.'),
  between: listOf(hours())
    .optional()
    .describe(
      'At any of these times: days (default: all), hours, time zone. `fri 22:00-06:00 Europe/Berlin` begins on Friday and ends on Saturday.',
    ),
  signed_in_by: z
    .array(word('negotiate'))
    .min(1)
    .optional()
    .describe('Who signed in by any of these may: names of `sign_in` entries, or kinds such as `oidc`.'),
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
});

const combined = () => ({
  any_of: z.array(terms).min(1).optional().describe('Any of these holds: each is a mapping of the conditions here.'),
  all_of: z.array(terms).min(1).optional().describe('Each of these holds.'),
  not: terms.optional().describe('What does not hold. It asks for a sign-in like any other condition.'),
});

const conditionNames = [...Object.keys(simple()), 'any_of', 'all_of', 'not'];

/** Conditions below a rule. They contain themselves, and so does what the schema says about them. */
const terms: z.ZodType<Terms> = z
  .lazy(() =>
    z.strictObject({ ...simple(), ...combined() }).check((check) => {
      if (check.issues.length === 0 && Object.values(check.value).every((value) => value === undefined))
        refuse(check, 'there is no condition here', `Add one: ${conditionNames.join(', ')}.`);
    }),
  )
  .meta({ id: 'conditions', 'x-type': 'mapping of conditions', 'x-examples': [{ groups: ['risk-team'] }] });

/** One rule of an app. */
export const rule = () =>
  z
    .strictObject({
      path: pattern().describe(
        'Which paths: `*` is anything within one segment, `**` any number of segments. `/risk/**` is `/risk` and all below it.',
      ),
      methods: z.array(method()).min(1).optional().describe('Only for these HTTP methods. Default: all.'),
      public: z
        .literal(true)
        .optional()
        .describe('Anybody may, signed in or not. Stands alone, or beside `networks` and `between`.'),
      ...simple(),
      ...combined(),
    })
    .check((check) => {
      if (check.issues.length > 0) return; // a misspelled condition has been reported
      const { path: _path, methods: _methods, ...stated } = check.value;
      const named = Object.entries(stated).flatMap(([name, value]) => (value === undefined ? [] : [name]));
      if (named.length === 0)
        refuse(
          check,
          'the rule says nothing about who may pass',
          `Add a condition: signed_in: true, ${conditionNames.slice(1).join(', ')}, or public: true.`,
        );
      const beside = named.filter((name) => !besidePublic.has(name));
      if (check.value.public && beside.length > 0)
        refuse(
          check,
          `public stands beside ${beside.join(', ')}`,
          'Remove public, or the other conditions: a public path asks nobody who they are.',
          ['public'],
        );
      const all = allTerms(check.value);
      const deep = all.find(({ at }) => at.filter((part) => typeof part === 'string').length > termBounds.depth);
      if (deep !== undefined)
        refuse(
          check,
          `the conditions nest deeper than ${termBounds.depth}`,
          'Write them flatter, or as several rules.',
          [...deep.at],
        );
      else if (all.length > termBounds.conditions)
        refuse(check, `the rule has more than ${termBounds.conditions} conditions`, 'Write it as several rules.');
    });
