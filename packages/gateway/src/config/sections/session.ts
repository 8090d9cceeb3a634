import { z } from 'zod';
import { folder, type SchemaContext } from '../context.ts';
import { duration } from '../values/leaf.ts';

export const session = () =>
  z
    .strictObject({
      lifetime: duration('1m', '30d', '8h')
        .prefault('8h')
        .describe('A session ends this long after the sign-in, whatever happens in it.'),
      idle: duration('1m', '30d', '1h').prefault('1h').describe('A session without any request ends after this time.'),
      cookie: z
        .strictObject({
          same_site: z
            .enum(['lax', 'strict', 'none'])
            .prefault('lax')
            .describe(
              'The `SameSite` attribute. `none` is for apps that other sites show in a frame; it needs TLS. `strict` makes a link in an e-mail start without a session.',
            ),
        })
        .prefault({})
        .describe('The session cookie. It is always `HttpOnly`, and `Secure` with TLS.'),
      store: z
        .enum(['cookie', 'sqlite', 'redis'])
        .prefault('cookie')
        .describe(
          'Where sessions lie. `cookie`: sealed in the cookie, so that they hold while a store is down; one that does not fit is kept as with the other two. `sqlite` and `redis`: in the database in `state`, or in `redis`, and the cookie only names them. Sessions can be listed and ended at once in all three.',
        ),
      key_rotation: duration('1h', '3650d', '30d')
        .prefault('30d')
        .describe(
          'A new key for cookies and assertions is made this often. Older keys stay good until the sessions that they sealed have ended.',
        ),
    })
    .prefault({})
    .check((context) => {
      const { lifetime, idle } = context.value;
      if (idle > lifetime)
        context.issues.push({
          code: 'custom',
          message: 'the idle limit is longer than the lifetime',
          input: undefined,
          path: ['idle'],
          params: { fix: 'Make session.idle shorter than session.lifetime, or equal to it.' },
        });
    })
    .describe('How long a sign-in lasts.')
    .meta({ 'x-example': 'session:\n  lifetime: 8h\n  idle: 1h\n  cookie: { same_site: lax }\n' });

export const state = (context: SchemaContext) =>
  folder(context, '/var/lib/cardea')
    .prefault('./.cardea')
    .describe('Directory for keys and the database. It is made at the first start, readable for its owner only.')
    .meta({ 'x-example': 'state: /var/lib/cardea\n' });
