import { ok, type Parsed, wrong } from '../parsed.ts';
import { parseLine } from './account.ts';
import { type Leaf, leaf } from './leaf.ts';

/** The name of a group, with `*` for any characters. */
export function parseGroupPattern(text: string): Parsed<string> {
  const read = parseLine(text);
  if (read.kind === 'wrong') return read;
  if (/\*.*\*.*\*.*\*/.test(text)) return wrong(`"${text}" has more than three *`, 'Write it with fewer.');
  if (/^S-1-\d/i.test(text))
    return wrong(`"${text}" is a SID, and tokens have names of groups`, 'Write the name of the group.');
  return read;
}

/** One word of a scope (RFC 6749, 3.3). */
export function parseScopeWord(text: string): Parsed<string> {
  if (/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(text)) return ok(text);
  return wrong(
    `"${text}" is not a scope`,
    'Write one word of printable ASCII without quotes and backslashes, such as chat.',
  );
}

/** A moment in UTC, to the second. The value is in milliseconds since the epoch. */
export function parseMoment(text: string): Parsed<number> {
  const value = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
  // `Date.parse` takes the 31st of February for the 3rd of March.
  if (!Number.isNaN(value) && new Date(value).toISOString().startsWith(text.slice(0, 19))) return ok(value);
  return wrong(`"${text}" is not a moment`, 'Write day and time in UTC, in quotes: "2027-01-31T06:00:00Z".');
}

export const groupPattern = (): Leaf<string> => leaf('group name with *', 'llm-*', parseGroupPattern);
export const scopeWord = (): Leaf<string> => leaf('scope', 'chat', parseScopeWord);
export const moment = (): Leaf<number> => leaf('moment', '2027-01-31T06:00:00Z', parseMoment);
