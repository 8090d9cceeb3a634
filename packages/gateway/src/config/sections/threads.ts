import { z } from 'zod';

export const threads = () =>
  z
    .union([z.literal('auto'), z.int().min(1).max(64)])
    .prefault('auto')
    .describe(
      'Threads that serve requests, all on the same port. `auto`: one for each core that this process may use. With 1 there is no further thread at all. On systems where threads cannot share a port (all but Linux and the BSDs) there is always one, and the log says so.',
    )
    .meta({ 'x-example': 'threads: auto\n' });
