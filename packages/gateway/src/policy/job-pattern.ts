import { canonicalPath } from '../wire/path.ts';
import { pathSegments } from './glob.ts';

/** A path in which one segment is the name of a job: `/api/jobs/{job}/approve`. */
export interface JobPattern {
  /** The job in a canonical path; `undefined` for a path that is another. */
  jobOf(path: string): string | undefined;
  /** The path for a job. Throws for what is no name of a job. */
  pathOf(job: string): string;
}

export type ParsedJobPattern =
  | { readonly kind: 'ok'; readonly pattern: JobPattern }
  | { readonly kind: 'wrong'; readonly reason: string };

const place = '{job}';

/**
 * Reads a pattern. Besides `{job}` it is a literal path, compared exactly: upper and lower case apart, and without path
 * parameters. What a careless server takes for the same path is none of ours, and so carries no approval.
 */
export function parseJobPattern(text: string): ParsedJobPattern {
  const parts = text.split('/').slice(1);
  const at = parts.indexOf(place);
  if (!text.startsWith('/') || at === -1) return wrong('no segment of the path is {job}');
  const literals = parts.map((part, i) => (i === at ? 'job' : part));
  if (literals.some((part) => /[{}*;]/.test(part))) return wrong('it has more than the one {job}, a * or a ;');
  const canonical = canonicalPath(`/${literals.join('/')}`);
  if (canonical.kind === 'refused') return wrong(`no request can have this path (${canonical.reason})`);
  const segments = pathSegments(canonical.path) ?? [];
  const encoded = canonical.path.slice(1).split('/');
  return {
    kind: 'ok',
    pattern: {
      jobOf(path) {
        const found = pathSegments(path);
        const job = found?.[at];
        if (found === undefined || job === undefined || found.length !== segments.length || !isJobName(job))
          return undefined;
        return segments.every((segment, i) => i === at || segment === found[i]) ? job : undefined;
      },
      pathOf(job) {
        if (!isJobName(job)) throw new RangeError('Cannot write a path for the job: that is no name of a job');
        return `/${encoded.map((segment, i) => (i === at ? job : segment)).join('/')}`;
      },
    },
  };
}

/** Letters and digits of ASCII, and within them the few marks that no server reads in a way of its own. */
export const isJobName = (text: string): boolean => /^[A-Za-z0-9_](?:[A-Za-z0-9._~:-]{0,126}[A-Za-z0-9_])?$/.test(text);

const wrong = (reason: string): ParsedJobPattern => ({ kind: 'wrong', reason });
