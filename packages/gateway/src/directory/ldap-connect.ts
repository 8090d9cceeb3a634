/**
 * Encrypted connections to an LDAP server, and its refusals in words.
 *
 * @module
 */
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Client, type InvalidCredentialsError } from 'ldapts';
import { DirectoryError } from '../ports/directory.ts';

export interface LdapServer {
  /** `ldaps://host[:port]`, or `ldap://host[:port]` with `startTls`. */
  readonly url: string;
  readonly startTls: boolean;
  /** PEM of the authority that the server's certificate must chain to; default: the system's. */
  readonly ca: string | undefined;
  /** For connecting and for each question. */
  readonly timeoutMs: number;
}

/** An encrypted connection on which nobody has signed in yet. */
export interface LdapLine {
  readonly client: Client;
  /** Whether the connection below still stands, as far as we have been told. */
  readonly alive: () => boolean;
  readonly end: () => Promise<void>;
}

/** Throws `DirectoryError` for a server to which a password would go in the clear. */
export function checkLdapServer({ url, startTls }: LdapServer): void {
  const { protocol } = parseUrl(url);
  if (protocol === 'ldap:' && !startTls)
    throw ldapError(url, 'ldap:// sends the password in the clear. Use ldaps://, or set start_tls: true');
  if (protocol === 'ldaps:' && startTls)
    throw ldapError(url, 'ldaps:// is encrypted from the start. Remove start_tls, or use ldap://');
}

/** A new connection; over `ldaps://` it is made with the first question. Rejects with what went wrong. */
export async function connectLdap({ url, startTls, ca, timeoutMs }: LdapServer): Promise<LdapLine> {
  const { hostname } = parseUrl(url);
  const tlsOptions: ConnectionOptions = { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) };
  const client = new Client({
    url,
    timeout: timeoutMs,
    connectTimeout: timeoutMs,
    ...(startTls ? {} : { tlsOptions }), // with tlsOptions, ldapts would begin TLS at once
  });
  // The certificate is checked against the host of the URL; a name also goes into SNI.
  const upgrade: ConnectionOptions = {
    ...tlsOptions,
    host: hostname,
    ...(isIP(hostname) ? {} : { servername: hostname }),
  };
  let alive = true;
  const end = async (): Promise<void> => {
    // On a connection that is gone, ldapts would wait for its time-out.
    if (alive) await client.unbind().catch(() => {});
    upgrade.socket?.destroy();
  };
  if (!startTls) return { client, alive: () => alive, end };
  const deadline = setTimeout(() => upgrade.socket?.destroy(), timeoutMs); // ldapts sets no limit for the handshake
  try {
    await client.startTLS(upgrade);
  } catch (error) {
    void end();
    throw error;
  } finally {
    clearTimeout(deadline);
  }
  // After StartTLS, ldapts does not notice when the connection below ends.
  upgrade.socket?.once('close', () => {
    alive = false;
  });
  return { client, alive: () => alive, end };
}

/** The error that the port promises, with the server's name in it. */
export const ldapError = (url: string, why: string, cause?: unknown): DirectoryError =>
  new DirectoryError(`Cannot ask directory ${url}: ${why}`, { cause });

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'ldap:' && url.protocol !== 'ldaps:') || url.hostname === '')
    throw new DirectoryError('Cannot use directory: its URL is not of the form ldaps://host[:port]');
  if (url.username !== '' || url.password !== '')
    throw new DirectoryError('Cannot use directory: its URL contains credentials');
  return url;
}

/** Active Directory's codes for a refused bind, in words (MS-ADTS 3.1.1.5, Win32 error codes in hexadecimal). */
const bindFaults: readonly (readonly [code: string, meaning: string])[] = [
  ['525', 'no such user'],
  ['52e', 'wrong name or password'],
  ['530', 'not allowed at this time'],
  ['531', 'not allowed from this machine'],
  ['532', 'its password has expired'],
  ['533', 'the account is disabled'],
  ['701', 'the account has expired'],
  ['773', 'its password must be changed first'],
  ['775', 'the account is locked'],
];

/** Why a bind was refused: Active Directory's own code, where it gave one, and words for it. */
export function bindFault(error: InvalidCredentialsError): {
  readonly code: string | undefined;
  readonly words: string;
} {
  const code = /\bdata ([0-9a-f]{1,8})\b/.exec(error.message)?.[1];
  const meaning = bindFaults.find(([each]) => each === code)?.[1] ?? 'invalid credentials';
  return { code, words: code === undefined ? meaning : `${meaning} (${code})` };
}
