import { parseJobPattern } from '../../policy/job-pattern.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';
import { type Leaf, leaf } from './leaf.ts';

/** The part of a UPN behind the `@`: a DNS name, in lower case. */
export function parseUpnSuffix(text: string): Parsed<string> {
  const folded = text.toLowerCase();
  if (!/^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/.test(folded))
    return wrong(`"${text}" is not what stands behind the @ of a name`, 'Write it like corp.example.');
  return ok(folded);
}

/** Text that is one line, with nothing around it. */
export function parseLine(text: string): Parsed<string> {
  if (text === '' || text !== text.trim() || text.length > 256 || /\p{Cc}/u.test(text))
    return wrong(
      'it is empty, longer than 256 characters, or has spaces around it or control characters',
      'Correct it.',
    );
  return ok(text);
}

/** The name of a query parameter, of characters that nobody ever encodes. */
export function parseParameter(text: string): Parsed<string> {
  if (/^[A-Za-z](?:[A-Za-z0-9_-]{0,30}[A-Za-z0-9])?$/.test(text)) return ok(text);
  return wrong(
    `"${text}" is not a name for a parameter`,
    'Use letters, digits, - and _, 32 characters at most, for example stream_token.',
  );
}

/** A path with one `{job}`. */
export function parseJobPath(text: string): Parsed<string> {
  const parsed = parseJobPattern(text);
  if (parsed.kind === 'ok') return ok(text);
  return wrong(`"${text}": ${parsed.reason}`, 'Write it like /api/jobs/{job}/approve.');
}

export const upnSuffix = (): Leaf<string> => leaf('DNS name', 'corp.example', parseUpnSuffix);
export const line = (example: string): Leaf<string> => leaf('text', example, parseLine);
export const parameter = (): Leaf<string> => leaf('parameter name', 'stream_token', parseParameter);
export const jobPath = (): Leaf<string> => leaf('path with {job}', '/api/jobs/{job}/approve', parseJobPath);
