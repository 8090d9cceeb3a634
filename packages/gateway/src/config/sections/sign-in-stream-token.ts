import { z } from 'zod';
import type { SchemaContext } from '../context.ts';
import { parameter } from '../values/account.ts';
import { duration } from '../values/leaf.ts';

/** Sign-in with a stream token. */
export const streamToken = (_context: SchemaContext) =>
  z
    .strictObject({
      parameter: parameter()
        .prefault('stream_token')
        .describe(
          'The query parameter that carries a token. It is taken out of the address: no app and no log sees it.',
        ),
      lifetime: duration('5s', '15m', '5m').prefault('5m').describe('How long a token may wait to be used, once.'),
    })
    .describe(
      'Event streams and WebSockets, which can send no header: `POST /auth/stream-tokens` exchanges a session or an API key for a token that is good for one GET of one path.',
    );
