import {
  carelessSegments,
  type FoldedGlob,
  foldGlob,
  type Glob,
  matchesGlob,
  parseGlob,
  pathSegments,
} from './glob.ts';

/** The paths that a credential is good for. */
export interface PathScope {
  /** `path` is the `path` of `canonicalTarget`. */
  allows(path: string): boolean;
  /** The same for a path and everything below it. */
  allowsAllBelow(path: string): boolean;
}

/**
 * Makes a scope of paths as rules write them (`/api/**`). Throws for a path that no request can have.
 *
 * A scope is passed neither by respelling a path nor by a server that reads it carelessly: the path as it is, the path
 * without parameters (`/admin;x` is `/admin` to many), and the path as a server takes it that passes over upper and lower
 * case, dots and spaces at the end of a name and a slash at the end must all lie within the scope.
 */
export function pathScope(patterns: readonly string[]): PathScope {
  const allows = allowing(patterns);
  // What fits a pattern with `/**` at its end fits it with anything behind as well.
  return { allows, allowsAllBelow: allowing(patterns.filter((pattern) => pattern.endsWith('/**'))) };
}

function allowing(patterns: readonly string[]): (path: string) => boolean {
  const globs = patterns.map(read);
  const folded = globs.map(foldGlob);
  const within = (list: readonly (Glob | FoldedGlob)[], segments: readonly string[]): boolean =>
    list.some((glob) => matchesGlob(glob, segments));
  return (path) => {
    const segments = pathSegments(path);
    if (segments === undefined || !within(globs, segments)) return false;
    const plain = segments.map((segment) => segment.split(';', 1)[0] ?? '');
    if (!within(globs, plain)) return false;
    // Nothing but dots and spaces: to a server that drops spaces at the end of a name this may be `..`.
    if (plain.some((segment) => /^[. ]+$/.test(segment))) return false;
    const careless = carelessSegments(plain);
    // A slash at the end makes no difference to such a server, so neither does it here.
    return within(folded, careless) || within(folded, [...careless, '']);
  };
}

function read(pattern: string): Glob {
  const parsed = parseGlob(pattern);
  if (parsed.kind === 'wrong') throw new TypeError(`Cannot read path "${pattern}" of a scope: ${parsed.reason}`);
  return parsed.glob;
}
