import { z } from 'zod';
import { duration, size } from '../values/leaf.ts';

export const limits = () =>
  z
    .strictObject({
      head: size('8KiB', '1MiB', '64KiB')
        .prefault('64KiB')
        .describe(
          'Size of all headers of one request. A member of 400 groups sends a Kerberos token of 6 KiB; 64 KiB is what Windows servers are told to allow.',
        ),
      headers: z.int().min(20).max(2000).prefault(100).describe('Number of headers of one request.'),
      head_timeout: duration('1s', '5m', '15s')
        .prefault('15s')
        .describe('How long a client may take to send the headers.'),
      body: z
        .union([size('0B', '1024GiB', '2GiB'), z.literal('none')])
        .prefault('none')
        .transform((limit) => (limit === 'none' ? undefined : limit))
        .describe('Size of a request body. `none`: as much as the app takes.'),
      held: size('1MiB', '64GiB', '256MiB')
        .prefault('256MiB')
        .describe(
          'Request bodies that are read before they go on (apps with `limits`), all together, for each listener and thread. What comes beyond that gets 503.',
        ),
      body_timeout: duration('1s', '1h', '60s')
        .prefault('60s')
        .describe('How long an upload may stand still before the app has begun to answer.'),
      write_timeout: duration('1s', '1h', '60s')
        .prefault('60s')
        .describe('How long a client may take nothing of what it asked for.'),
      connections_per_address: z
        .int()
        .min(10)
        .max(1_000_000)
        .prefault(2000)
        .describe(
          'Connections that one client address may have open; further ones are closed at once. Those of `trusted_proxies` are not counted: many people come from there.',
        ),
      idle: duration('1s', '1h', '75s')
        .prefault('75s')
        .describe('How long a connection may wait for its next request. WebSockets and streams are not meant.'),
    })
    .prefault({})
    .describe('What one client may ask of Cardea.')
    .meta({ 'x-example': 'limits:\n  head: 64KiB\n  body: 2GiB\n' });

export const audit = () =>
  z
    .strictObject({
      stdout: z.boolean().prefault(true).describe('Events as lines of JSON on standard output.'),
      sqlite: z.boolean().prefault(true).describe('Events in the database in `state`.'),
      retain: duration('1d', '3650d', '90d').prefault('90d').describe('How long the database keeps them.'),
    })
    .prefault({})
    .describe(
      'Who did what: sign-ins, refusals with their reason, WebSockets opened and closed. Of what somebody causes who has not signed in, 200 events of a kind from one address (of IPv6: one /64) and 2,000 in all are written in ten minutes, so that nobody fills the disk; how many more there were is an event of its own, `left-out`, once a minute. The metrics count them all.',
    )
    .meta({ 'x-example': 'audit: { stdout: true, sqlite: true, retain: 90d }\n' });

export const log = () =>
  z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).prefault('info').describe('How much is written.'),
    })
    .prefault({})
    .describe('What Cardea says about itself, as lines of JSON on standard error.')
    .meta({ 'x-example': 'log: { level: info }\n' });
