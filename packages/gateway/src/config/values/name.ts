import { ok, type Parsed, wrong } from '../parsed.ts';
import { type Leaf, leaf } from './leaf.ts';

/** The name of an app: it stands in logs, metrics and the assertion's audience. */
export function parseAppName(text: string): Parsed<string> {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return ok(text);
  return wrong(
    `"${text}" is not a name for an app`,
    'Use lower-case letters, digits and hyphens, 63 at most, for example desk.',
  );
}

/** A role or a module: words that people choose, spaces within allowed. */
export function parseWord(text: string): Parsed<string> {
  if (text === '' || text !== text.trim() || text.length > 100 || /[\u0000-\u001f\u007f,]/.test(text))
    return wrong(
      'the name is empty, longer than 100 characters, or has spaces around it, commas or control characters',
      'Write a name such as trader or "Market Data".',
    );
  return ok(text);
}

/** An HTTP method (RFC 9110, 9.1), which is compared with regard to case. */
export function parseMethod(text: string): Parsed<string> {
  if (/^[A-Z][A-Z-]{0,31}$/.test(text)) return ok(text);
  if (/^[A-Za-z][A-Za-z-]{0,31}$/.test(text))
    return wrong(
      `"${text}" is not in capitals`,
      `Write ${text.toUpperCase()}: HTTP methods are compared with regard to case.`,
    );
  return wrong(`"${text}" is not an HTTP method`, 'Write methods like GET and POST.');
}

export const appName = (): Leaf<string> => leaf('name', 'desk', parseAppName);
export const word = (example: string): Leaf<string> => leaf('name', example, parseWord);
export const method = (): Leaf<string> => leaf('HTTP method', 'GET', parseMethod);
