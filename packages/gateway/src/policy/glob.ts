/**
 * The paths of rules. A rule's path is written as people read paths, in plain
 * Unicode (`%20` and the like may be used, and `%2A` stands for a literal `*`):
 *
 * - `*` inside a segment stands for any characters of that segment; a segment that is
 *   nothing but `*` is any one segment that is not empty.
 * - `**` as a whole segment stands for any number of segments, none included:
 *   `/risk/**` is `/risk`, `/risk/` and everything below.
 * - Everything else stands for itself, upper and lower case apart, trailing slash
 *   included: `/risk` is neither `/risk/` nor `/Risk`.
 *
 * Matched is the canonical path, percent-decoded: `/%40admin` is `/@admin` to every
 * application, so it is to the rules. That is safe because a canonical path holds no
 * encoded separator and no double encoding. Matching never backtracks into a choice:
 * its time is bounded by the length of the path times the length of the rule.
 *
 * @module
 */
import { canonicalPath, decodeOrUndefined, type TargetRefusal } from '../wire/path.ts';

/** A compiled path. Between two runs there was a `**`. */
export interface Glob {
  readonly runs: readonly (readonly SegmentPattern[])[];
}

/** A compiled path without upper and lower case. */
export interface FoldedGlob extends Glob {
  /** The same for globs that are the same. */
  readonly key: string;
}

/** The literal pieces around the `*`s of one segment; a single piece has no `*` and is the whole segment. */
type SegmentPattern = readonly string[];

export type ParsedGlob =
  | { readonly kind: 'ok'; readonly glob: Glob }
  | { readonly kind: 'wrong'; readonly reason: GlobFault };

export type GlobFault =
  | TargetRefusal
  | 'glob-too-long'
  | 'glob-without-slash'
  | 'glob-with-query'
  | 'glob-double-star-inside-segment';

const MAX_GLOB_LENGTH = 1024;

/** Reads a rule's path. The reason tells the administrator what is wrong with it. */
export function parseGlob(text: string): ParsedGlob {
  if (text.length > MAX_GLOB_LENGTH) return wrong('glob-too-long');
  if (!text.startsWith('/')) return wrong('glob-without-slash');
  if (/[?#]/.test(text)) return wrong('glob-with-query');

  // The same reading as for requests, so that a rule can say exactly what a request can.
  const encoded = text.toWellFormed().replace(/[^!-~]|["<>\\^`{|}]/gu, encodeURIComponent);
  const canonical = canonicalPath(encoded);
  if (canonical.kind === 'refused') return wrong(canonical.reason);

  const runs: SegmentPattern[][] = [[]];
  for (const segment of canonical.path.slice(1).split('/')) {
    if (segment === '**') runs.push([]);
    else if (segment.includes('**')) return wrong('glob-double-star-inside-segment');
    else runs.at(-1)?.push(segment.split('*').map(decodeURIComponent));
  }
  return { kind: 'ok', glob: { runs } };
}

/** The same for a server that does not tell upper from lower case: it goes with `carelessSegments`. */
export function foldGlob({ runs }: Glob): FoldedGlob {
  const folded = runs.map((run) => run.map((pattern) => pattern.map(foldCase)));
  return { runs: folded, key: JSON.stringify(folded) };
}

/**
 * Segments as a careless server takes them, of which there are many: Express and IIS pass over upper and lower case and
 * over a slash at the end, Windows over dots and spaces at the end of a name.
 */
export function carelessSegments(segments: readonly string[]): readonly string[] {
  const folded = segments.map((segment) => withoutDotsAtEnd(foldCase(segment)));
  return folded.length > 1 && folded.at(-1) === '' ? folded.slice(0, -1) : folded;
}

// Not by `/[. ]+$/`, which looks at a long run of dots once for each of them.
function withoutDotsAtEnd(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === '.' || text[end - 1] === ' ')) end--;
  return text.slice(0, end);
}

// By way of upper case, in which some letters meet that lower case keeps apart.
const foldCase = (text: string): string => text.toUpperCase().toLowerCase();

/** The segments of a canonical path as globs see them; `undefined` for a path that is not canonical. */
export function pathSegments(path: string): readonly string[] | undefined {
  if (!path.startsWith('/')) return undefined;
  const text = path.includes('%') ? decodeOrUndefined(path) : path;
  return text?.slice(1).split('/');
}

/** Whether the whole path fits. */
export function matchesGlob({ runs }: Glob, segments: readonly string[]): boolean {
  const first = runs[0] ?? [];
  if (runs.length === 1) return first.length === segments.length && runFits(first, segments, 0);

  const last = runs.at(-1) ?? [];
  const end = segments.length - last.length;
  if (first.length > end || !runFits(first, segments, 0) || !runFits(last, segments, end)) return false;

  // A run has a fixed length, so its leftmost place is the best one: no later choice can need another.
  let at = first.length;
  for (const run of runs.slice(1, -1)) {
    while (at + run.length <= end && !runFits(run, segments, at)) at++;
    at += run.length;
  }
  return at <= end;
}

const runFits = (run: readonly SegmentPattern[], segments: readonly string[], at: number): boolean =>
  run.every((pattern, i) => segmentFits(pattern, segments[at + i] ?? ''));

function segmentFits(pattern: SegmentPattern, segment: string): boolean {
  const first = pattern[0] ?? '';
  if (pattern.length === 1) return first === segment;
  if (segment === '') return false;

  const last = pattern.at(-1) ?? '';
  const end = segment.length - last.length;
  if (!segment.startsWith(first) || !segment.endsWith(last)) return false;
  let at = first.length;
  for (let i = 1; i < pattern.length - 1; i++) {
    const piece = pattern[i] ?? '';
    const found = segment.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= end;
}

const wrong = (reason: GlobFault): ParsedGlob => ({ kind: 'wrong', reason });
