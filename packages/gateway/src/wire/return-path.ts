/** A base that no answer ever names; only used to resolve what a client sent. */
const base = 'https://return.invalid';

/**
 * Where to go after signing in, from a parameter that anybody can write. Only a path on
 * this very site is followed, parsed by the URL standard as a browser would parse it;
 * everything else becomes `/`.
 */
export function returnPath(value: string | null | undefined): string {
  if (value === null || value === undefined || value.length > 2048) return '/';
  // Browsers strip tabs and newlines and read `\` as `/` before they look for a host.
  if (!/^\/[\x21-\x7e]*$/.test(value) || value.includes('\\')) return '/';
  if (!URL.canParse(value, base)) return '/';
  const url = new URL(value, base);
  // Resolved once more, since `/.//evil.example` turns into the network path `//evil.example`.
  if (url.origin !== base || url.pathname.startsWith('//')) return '/';
  return `${url.pathname}${url.search}${url.hash}`;
}
