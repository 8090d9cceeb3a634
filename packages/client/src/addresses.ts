import { TokenError } from './token-error.ts';

/** Nobody else can listen on the way to these. */
const isLoopback = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

/** The address that tokens come from: an issuer's (`https://auth.corp.example`), or that of the endpoint, path and all. */
export function tokenEndpoint(url: string | URL, allowHttp: boolean): URL {
  if (!URL.canParse(url)) throw new TypeError('Cannot make a token client: url is not an absolute URL');
  const endpoint = new URL(url);
  if (endpoint.username !== '' || endpoint.password !== '')
    throw new TypeError('Cannot make a token client: url has a name or a password in it');
  if (endpoint.pathname === '/' && endpoint.search === '') endpoint.pathname = '/desktop/token';
  endpoint.hash = '';
  if (!isSafe(endpoint, allowHttp))
    throw new TokenError('not-secure', `${endpoint.origin} is not HTTPS, and others could read the token on its way`);
  return endpoint;
}

/** Throws `TokenError` when a token must not go to this address. */
export function assertMayHaveToken(url: URL, origins: ReadonlySet<string> | undefined, allowHttp: boolean): void {
  if (!isSafe(url, allowHttp))
    throw new TokenError('not-secure', `it would go to ${url.origin}, which is not HTTPS, where others could read it`);
  if (origins !== undefined && !origins.has(url.origin))
    throw new TokenError('not-secure', `it would go to ${url.origin}, which is not one of the origins of this client`);
}

const isSafe = (url: URL, allowHttp: boolean): boolean =>
  url.protocol === 'https:' || (url.protocol === 'http:' && (allowHttp || isLoopback(url.hostname)));
