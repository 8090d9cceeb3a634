import { z } from 'zod';
import type { SchemaContext } from '../context.ts';

/** Sign-in with an API key. */
export const apiKey = (_context: SchemaContext) =>
  z
    .strictObject({})
    .describe(
      'Programs that send an API key, in `X-API-Key` or as `Authorization: Bearer cardea_…`. Keys are made with `cardea keys create`, and kept in the database or in `redis`. A key signs in the program `key:<name>`, with the groups that it was given.',
    );
