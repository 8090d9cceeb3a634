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
