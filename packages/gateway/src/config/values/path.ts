import { type GlobFault, parseGlob } from '../../policy/glob.ts';
import { canonicalPath } from '../../wire/path.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';

/** What the readers of paths refuse, in words. They are the readers that requests go through. */
const faults: { readonly [F in GlobFault]: string } = {
  'glob-too-long': 'is longer than 1024 characters',
  'glob-without-slash': 'does not begin with /',
  'glob-with-query': 'has a query or fragment',
  'glob-double-star-inside-segment': 'has ** beside other characters',
  'target-too-long': 'is too long',
  'target-not-origin-form': 'does not begin with /',
  'target-has-fragment': 'has a fragment',
  'target-forbidden-character': 'has a character that cannot stand in a path, such as a space or a backslash',
  'target-bad-percent-encoding': 'has a % that encodes nothing',
  'target-double-encoding': 'is encoded twice',
  'target-encoded-separator': 'has an encoded slash or backslash',
  'target-encoded-control': 'has an encoded control character',
  'target-not-utf-8': 'has encoded bytes that are not UTF-8',
  'target-dot-segment': 'has a segment of dots',
  'target-empty-segment': 'has two slashes in a row',
};

/** A pattern over paths, as rules have it. */
export function parsePattern(text: string): Parsed<string> {
  const glob = parseGlob(text);
  return glob.kind === 'ok' ? ok(text) : fault(text, glob.reason);
}

/** A path on an app's host as browsers send it; the value is its canonical form. */
export function parseUrlPath(text: string): Parsed<string> {
  if (!text.startsWith('/')) return fault(text, 'glob-without-slash');
  if (/[?#]/.test(text)) return fault(text, 'glob-with-query');
  const path = canonicalPath(text);
  return path.kind === 'ok' ? ok(path.path) : fault(text, path.reason);
}

/**
 * The prefix of Cardea's own endpoints, or of an app on a host that it shares: a path without a slash at its end, of
 * characters that nobody ever encodes.
 */
export function parsePrefix(text: string): Parsed<string> {
  const path = parseUrlPath(text);
  if (path.kind === 'wrong' || text === '/') return path;
  if (text.endsWith('/')) return wrong(`"${text}" ends with /`, `Write ${text.replace(/\/+$/, '')}.`);
  if (!/^[A-Za-z0-9/._~-]+$/.test(text))
    return wrong(`"${text}" has characters that would have to be encoded`, 'Use letters, digits, - and _ only.');
  return path;
}

function fault(text: string, reason: GlobFault): Parsed<never> {
  return wrong(
    `"${text}" ${faults[reason]}`,
    fixes[reason]?.(text) ?? 'Write it as browsers show it, for example /reports/daily.',
  );
}

const fixes: { readonly [F in GlobFault]?: (text: string) => string } = {
  'glob-without-slash': (text) => `Write /${text.replace(/^[./\\]+|\/+$/g, '')}.`,
  'glob-double-star-inside-segment': () => 'Let ** stand alone between slashes, for example /risk/**.',
};
