import { z } from 'zod';
import { isToken } from '../../wire/field-grammar.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';
import { duration, type Leaf, leaf, origin, refuse } from '../values/leaf.ts';
import { method } from '../values/name.ts';

/** The name of a field that pages may send or read. */
function parseFieldName(text: string): Parsed<string> {
  return isToken(text) && text !== '*' && text.length <= 100
    ? ok(text)
    : wrong(`"${text}" is not a header name`, 'Name each header, for example X-CSRF-Token.');
}

const fieldName = (example: string): Leaf<string> => leaf('header name', example, parseFieldName);

export const cors = () =>
  z
    .strictObject({
      origins: z
        .union([z.array(origin('https://portal.corp.example')).min(1), z.literal('*')])
        .describe(
          'Sites whose pages may read responses. `"*"`: all of them, without `credentials`. With `credentials`, these sites are also in `allowed_origins`.',
        ),
      methods: z.array(method()).prefault(['GET', 'HEAD', 'POST']).describe('Methods that their pages may use.'),
      headers: z
        .array(fieldName('X-CSRF-Token'))
        .prefault([])
        .describe('Request headers that their pages may set, beyond those that every page may.'),
      expose: z
        .array(fieldName('X-Request-Id'))
        .prefault([])
        .describe('Response headers that their pages may read, beyond those that every page may.'),
      credentials: z
        .boolean()
        .prefault(false)
        .describe(
          "Whether their pages act with the person's sign-in and read what it gives. If not, requests of theirs that change something reach the app without cookies and without a silent sign-in.",
        ),
      max_age: duration('0s', '1d', '10m')
        .prefault('10m')
        .describe('How long a browser may remember what it has been told.'),
    })
    .check((check) => {
      if (check.issues.length > 0) return;
      if (check.value.origins === '*' && check.value.credentials)
        refuse(
          check,
          'every site in the world could act with the sign-in of whoever visits it',
          'Name the sites in origins, or leave credentials out.',
          ['credentials'],
        );
    })
    .optional()
    .describe(
      "Which other sites' pages may read this app's responses (CORS). Cardea answers preflights itself and replaces what the app says about it; without this key both are the app's affair.",
    );
