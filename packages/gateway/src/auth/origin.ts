import { type Fields, fieldValues } from '../wire/fields.ts';
import { canonicalHost } from '../wire/host.ts';

export type OriginRefusal =
  | 'origin-repeated'
  | 'origin-opaque'
  | 'origin-malformed'
  | 'origin-not-allowed'
  | 'fetch-site-not-same-origin';

export type OriginCheck = { readonly kind: 'ok' } | { readonly kind: 'refused'; readonly reason: OriginRefusal };

export interface OriginQuestion {
  readonly fields: Fields;
  readonly method: string;
  readonly upgrade: boolean;
  /** The origin the browser has for this app, e.g. `https://desk.corp.example`. */
  readonly ownOrigin: string;
  /** Other origins whose pages may use the app. */
  readonly allowed: readonly string[];
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a page of another site may be behind this request. Negotiate and cookies are sent without being asked, so a
 * foreign page could otherwise act in the person's name. Concerns everything that changes something, and WebSocket
 * handshakes, which no browser holds back (RFC 6455, 10.2).
 *
 * A request with neither `Origin` (RFC 6454, 7) nor `Sec-Fetch-Site` is no browser's and is let through.
 */
export function checkOrigin({ fields, method, upgrade, ownOrigin, allowed }: OriginQuestion): OriginCheck {
  if (SAFE.has(method) && !upgrade) return OK;

  const origins = fieldValues(fields, 'origin');
  if (origins.length > 1) return refused('origin-repeated');
  const [origin] = origins;
  if (origin === undefined) return checkFetchSite(fieldValues(fields, 'sec-fetch-site'));
  if (origin === ownOrigin) return OK;
  // A sandboxed frame, a file or a redirect across sites: anybody's page.
  if (origin === 'null') return refused('origin-opaque');

  const wanted = canonicalOrigin(origin);
  if (wanted === undefined) return refused('origin-malformed');
  const known = [ownOrigin, ...allowed].some((candidate) => canonicalOrigin(candidate) === wanted);
  return known ? OK : refused('origin-not-allowed');
}

/** `same-origin` and `none` (the person's own doing) pass; everything else, a value that we do not know included, does not. */
function checkFetchSite(sites: readonly string[]): OriginCheck {
  const trusted = sites.every((site) => site === 'same-origin' || site === 'none');
  return sites.length <= 1 && trusted ? OK : refused('fetch-site-not-same-origin');
}

const DEFAULT_PORT: ReadonlyMap<string, number> = new Map([
  ['http', 80],
  ['https', 443],
]);

/**
 * The one spelling of an origin (RFC 6454, 6.2): scheme and host in lower case, without the scheme's own port.
 * `undefined` for what is none: a path, a user or anything else beside scheme, host and port.
 */
export function canonicalOrigin(text: string): string | undefined {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.+)$/.exec(text);
  const scheme = match?.[1]?.toLowerCase();
  const host = canonicalHost(match?.[2] ?? '');
  if (scheme === undefined || host.kind === 'refused') return undefined;
  const port = host.port === undefined || host.port === DEFAULT_PORT.get(scheme) ? '' : `:${host.port}`;
  return `${scheme}://${host.host}${port}`;
}

const OK: OriginCheck = { kind: 'ok' };
const refused = (reason: OriginRefusal): OriginCheck => ({ kind: 'refused', reason });
