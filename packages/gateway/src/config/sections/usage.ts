import { z } from 'zod';
import { duration } from '../values/leaf.ts';

/** `false`: nothing is kept. */
export const usage = () =>
  z
    .union([
      z.strictObject({
        retain: duration('1d', '3650d', '90d').prefault('90d').describe('How long each request is kept.'),
      }),
      z.literal(false),
    ])
    .prefault({})
    .describe(
      'One record for each request to an app with limits: who, which model, how many tokens, how long, refused or not; never what was asked or answered. They lie in the database in `state`, for `cardea usage` and `/api/usage`. `false` keeps none.',
    )
    .meta({ 'x-example': 'usage: { retain: 90d }\n' });
