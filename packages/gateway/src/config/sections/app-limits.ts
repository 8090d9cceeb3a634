import { z } from 'zod';
import { duration, group, refuse, size } from '../values/leaf.ts';
import { word } from '../values/name.ts';

const count = (max: number, example: number) =>
  z
    .int()
    .min(1)
    .max(max)
    .optional()
    .meta({ 'x-examples': [example] });

const numbers = () => ({
  requests_per_minute: count(1_000_000, 60).describe('Requests within any 60 seconds.'),
  concurrent: count(100_000, 4).describe('Requests in progress at the same time.'),
  tokens_per_minute: count(1_000_000_000, 40_000).describe('Tokens within any 60 seconds, in and out.'),
  tokens_per_day: count(1_000_000_000_000, 2_000_000).describe('Tokens of a day, which begins at midnight UTC.'),
});

const tier = () =>
  z.strictObject({
    name: word('pro').describe('For logs, metrics and usage; each tier of the app has its own.'),
    groups: z
      .array(group())
      .min(1)
      .optional()
      .describe('Members of any of these groups: names or SIDs. Without, everybody whom no tier before it has taken.'),
    ...numbers(),
    models: z
      .array(z.string().min(1).max(200))
      .min(1)
      .optional()
      .meta({ 'x-examples': [['llama-3*', 'mistral-small']] })
      .describe('Models that may be used; `*` stands for anything. Default: all.'),
  });

const groupLimit = () =>
  z
    .strictObject({ group: group().describe('Its members share these limits, beside their own.'), ...numbers() })
    .check((check) => {
      if (check.issues.length > 0) return;
      const { group: _group, ...limits } = check.value;
      if (Object.values(limits).every((value) => value === undefined))
        refuse(check, 'there is no limit here', `Add one: ${Object.keys(numbers()).join(', ')}.`);
    });

/** How much people and programs may use an app. */
export const appLimits = () =>
  z
    .strictObject({
      tiers: z
        .array(tier())
        .min(1)
        .describe(
          'The first one that takes somebody is theirs; who is in none may not use the app. Its limits hold for each person, and for each API key, alone.',
        ),
      groups: z
        .array(groupLimit())
        .prefault([])
        .describe('Limits that the members of a group share. A request has to pass all of them.'),
      when_redis_is_down: z
        .enum(['local', 'allow', 'refuse'])
        .prefault('local')
        .describe(
          'What holds while Redis, where it is configured, cannot be asked for longer than three seconds: the limits, for each process by itself; no limits; or 503 for everybody.',
        ),
      read_body: z
        .boolean()
        .optional()
        .meta({ 'x-examples': [true] })
        .describe(
          'Reads the JSON body of a request before it goes on: for the model that it names, and for the tokens to set aside. Default: where a tier has `models` or something counts tokens. `true`: also so that usage knows the model.',
        ),
      max_body: size('1KiB', '256MiB', '16MiB')
        .prefault('16MiB')
        .describe('A longer body of a request that is read is refused with 413.'),
      usual_answer: z
        .int()
        .min(1)
        .max(1_000_000)
        .prefault(1_000)
        .describe(
          'Tokens that are set aside for an answer whose request does not bound it, until the answer tells how many they were.',
        ),
      lease: duration('3s', '10m', '30s')
        .prefault('30s')
        .describe(
          'How long the places of requests in progress stay taken when a gateway dies with them. While it lives it renews them.',
        ),
    })
    .optional()
    .meta({
      'x-examples': [
        {
          tiers: [
            { name: 'max', groups: ['llm-max'], requests_per_minute: 600, concurrent: 20 },
            { name: 'default', requests_per_minute: 30, concurrent: 2 },
          ],
        },
      ],
    })
    .describe(
      'How much people and programs may use the app: requests, requests at the same time, tokens. Shared by all threads and, with `redis`, by all gateways.',
    );
