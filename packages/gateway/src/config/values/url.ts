import { ok, type Parsed, wrong } from '../parsed.ts';

/**
 * An origin: scheme, host and perhaps a port, and nothing else. Neither message quotes the text when it may hold a
 * password.
 */
export function parseOrigin(text: string, example: string): Parsed<string> {
  const url = readUrl(text, ['http:', 'https:']);
  if (url === undefined) return wrong(`"${mask(text)}" is not an http or https URL`, `Write it like ${example}.`);
  if (url.username !== '' || url.password !== '')
    return wrong('the URL holds a user name or password', 'Remove them: nothing secret belongs into a URL.');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || /[?#]/.test(text))
    return wrong(`"${text}" has more than scheme, host and port`, `Write ${url.origin} alone.`);
  return ok(url.origin);
}

/** Where an app listens: an origin, or `unix:` and the absolute path of a socket. */
export function parseAppAddress(text: string): Parsed<string> {
  return text.startsWith(UNIX) ? parseSocketPath(text.slice(UNIX.length)) : parseOrigin(text, 'http://127.0.0.1:3000');
}

const UNIX = 'unix:';

/** What the smallest `sun_path` (macOS) holds beside its final zero byte; Linux has four more. */
const LONGEST_SOCKET_PATH = 103;

function parseSocketPath(path: string): Parsed<string> {
  const example = 'Write unix: and the absolute path of the socket, for example unix:/run/app.sock.';
  if (!/^\/(?!\/)[^\p{Cc}]*[^/\p{Cc}]$/u.test(path)) return wrong(`"${UNIX}${path}" names no socket`, example);
  const bytes = Buffer.byteLength(path);
  if (bytes > LONGEST_SOCKET_PATH)
    return wrong(
      `the path of the socket has ${bytes} bytes`,
      `Let it have at most ${LONGEST_SOCKET_PATH}: operating systems take no longer ones.`,
    );
  return ok(`${UNIX}${path}`);
}

/** The URL of a directory server, without path and credentials: `ldaps://dc1.corp.example`. */
export function parseLdapUrl(text: string): Parsed<string> {
  const example = 'ldaps://dc1.corp.example';
  const url = readUrl(text, ['ldap:', 'ldaps:']);
  if (url === undefined || url.hostname === '')
    return wrong(`"${mask(text)}" is not an ldap or ldaps URL`, `Write it like ${example}.`);
  if (url.username !== '' || url.password !== '')
    return wrong('the URL holds a user name or password', 'Put them into directory.ldap.bind.');
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '')
    return wrong(`"${text}" has more than scheme, host and port`, 'Put the search base into directory.ldap.base.');
  return ok(`${url.protocol}//${url.host}`);
}

function readUrl(text: string, schemes: readonly string[]): URL | undefined {
  // The URL standard repairs much (tabs, backslashes, missing slashes); only what needs no repair is taken.
  if (!/^[a-z]+:\/\/[^\s\\/][^\s\\]*$/.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return schemes.includes(url.protocol) ? url : undefined;
}

/** What stands before an `@` may be a password. */
const mask = (text: string): string => text.replace(/^.*@/, '…@');
