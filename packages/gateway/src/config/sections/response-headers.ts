import { z } from 'zod';
import { isFieldValue, isToken } from '../../wire/field-grammar.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';
import { type Leaf, leaf, refuse } from '../values/leaf.ts';

/**
 * What frames a message, belongs to a connection, or is Cardea's own affair with the browser. An app's response would be cut,
 * lost or taken for another one's if these could be set or removed here.
 */
const untouchable: ReadonlySet<string> = new Set(
  `connection content-encoding content-length content-range date keep-alive location proxy-authenticate proxy-connection
   set-cookie te trailer transfer-encoding upgrade vary www-authenticate`.split(/\s+/),
);
const untouchablePrefixes = ['access-control-', 'sec-websocket-'];

/** The name of a response field that an administrator may write. Spelling is kept. */
export function parseResponseName(text: string): Parsed<string> {
  if (!isToken(text) || text.length > 100)
    return wrong(`"${text}" is not a header name`, 'Use letters, digits and hyphens, for example Referrer-Policy.');
  const name = text.toLowerCase();
  if (name.startsWith('access-control-'))
    return wrong(`"${text}" is not set here`, 'Say with cors which sites may read responses.');
  if (untouchable.has(name) || untouchablePrefixes.some((prefix) => name.startsWith(prefix)))
    return wrong(`"${text}" has a meaning that must not change on the way`, 'Leave it to the app.');
  return ok(text);
}

/** The name of a response field that may be taken away. */
export function parseRemovedName(text: string): Parsed<string> {
  return text.toLowerCase().startsWith('access-control-') && isToken(text) ? ok(text) : parseResponseName(text);
}

const maxValue = 8_192;

/** One line of visible ASCII (RFC 9110, 5.5): no value can begin a line of its own in a response. */
export function parseResponseValue(text: string): Parsed<string> {
  if (text.length > maxValue) return wrong(`the value is longer than ${maxValue} characters`, 'Make it shorter.');
  if (text === '' || text !== text.trim() || !/^[\x20-\x7e]+$/.test(text) || !isFieldValue(text))
    return wrong(
      'the value is empty, has blanks around it, or characters other than visible ASCII',
      'Write it on one line, for example "default-src \'self\'".',
    );
  return ok(text);
}

const name = (): Leaf<string> => leaf('header name', 'Referrer-Policy', parseResponseName);
const removed = (): Leaf<string> => leaf('header name', 'X-Powered-By', parseRemovedName);
const value = (): Leaf<string> => leaf('header value', 'no-referrer', parseResponseValue);

export const responseHeaders = () =>
  z
    .strictObject({
      security: z
        .enum(['off', 'missing', 'always'])
        .prefault('off')
        .describe(
          'The usual security headers: `missing` adds those that the app does not send, `always` also puts them in the place of those it sends. They are listed in docs/browser-policy.md; `Strict-Transport-Security` goes out over TLS alone.',
        ),
      set: z
        .record(name(), value())
        .prefault({})
        .describe('Headers with their values, in the place of what the app sends under these names.'),
      add: z
        .record(name(), z.union([value(), z.literal(false)]))
        .prefault({})
        .describe(
          'Headers with their values, for responses that have none of the name. They take the place of those of `security`; `false` leaves one of those out.',
        ),
      remove: z.array(removed()).prefault([]).describe('Headers of the app that no client gets.'),
    })
    .check((check) => {
      if (check.issues.length > 0) return;
      const { set, add, remove } = check.value;
      const places = new Map<string, string>();
      const take = (given: string, place: string, path: readonly (string | number)[]): void => {
        const key = given.toLowerCase();
        const before = places.get(key);
        if (before === undefined) places.set(key, place);
        else refuse(check, `${given} stands in ${before} already`, 'Say once what becomes of it.', path);
      };
      for (const key of Object.keys(set)) take(key, 'set', ['set', key]);
      for (const key of Object.keys(add)) take(key, 'add', ['add', key]);
      for (const [i, key] of remove.entries()) take(key, 'remove', ['remove', i]);
    })
    .optional()
    .describe(
      "Headers of the app's responses. Cardea's own answers for the app get those of `security`, `set` and `add` that they do not have.",
    );
