/**
 * One LDAP connection that is encrypted, signed in and kept; it is made again when it
 * has broken. (ldapts would reconnect by itself, but then without StartTLS and without
 * signing in, so a client of its is never used beyond its first connection.)
 *
 * @module
 */
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Client, type Entry, type Filter, InvalidCredentialsError, PresenceFilter, ResultCodeError } from 'ldapts';
import type { Secret } from '../core/secret.ts';
import { DirectoryError } from '../ports/directory.ts';
import { textOf } from './ldap-entries.ts';

export interface LdapConnectionOptions {
  /** `ldaps://host[:port]`, or `ldap://host[:port]` with `startTls`. */
  readonly url: string;
  readonly startTls: boolean;
  /** PEM of the authority that the server's certificate must chain to; default: the system's. */
  readonly ca: string | undefined;
  /** `svc@corp.example`, `CORP\svc` or a distinguished name. */
  readonly user: string;
  readonly password: Secret;
  /** Where to search; `''`: the server's default naming context. */
  readonly base: string;
  /** For connecting and for each question. */
  readonly timeoutMs: number;
}

export interface LdapQuestion {
  readonly filter: Filter;
  readonly attributes: readonly string[];
  readonly sizeLimit: number;
}

/** The directory refused our own sign-in. Trying again soon could lock the account. */
export class DirectorySignInError extends DirectoryError {}

interface Opened {
  readonly client: Client;
  readonly base: string;
  alive(): boolean;
  end(): Promise<void>;
}

/** Asks the directory over one kept connection; a question after a break makes a new one. */
export class LdapConnection {
  readonly #options: LdapConnectionOptions;
  #opened: Promise<Opened> | undefined;
  #closed = false;

  /** Throws `DirectoryError` for options that would send the password in the clear, or none at all. */
  constructor(options: LdapConnectionOptions) {
    this.#options = options;
    const { protocol } = parseUrl(options.url);
    if (protocol === 'ldap:' && !options.startTls)
      throw this.#error('ldap:// sends the password in the clear. Use ldaps://, or set start_tls: true');
    if (protocol === 'ldaps:' && options.startTls)
      throw this.#error('ldaps:// is encrypted from the start. Remove start_tls, or use ldap://');
    // RFC 4513, 5.1.2: a simple bind without a password "succeeds" as nobody.
    if (options.user === '' || options.password.reveal() === '')
      throw this.#error('the bind user or its password is empty');
  }

  /** The entries below the base that fit. Throws `DirectoryError`. */
  async search(question: LdapQuestion): Promise<readonly Entry[]> {
    const before = this.#opened;
    const opened = await this.#current();
    try {
      return await this.#ask(opened, question);
    } catch (error) {
      this.#discard(opened);
      // A connection that was made earlier may have died without a sign; a new one deserves one try.
      if (error instanceof ResultCodeError || before === undefined || this.#closed) throw this.#failed(error);
    }
    const again = await this.#current();
    try {
      return await this.#ask(again, question);
    } catch (error) {
      this.#discard(again);
      throw this.#failed(error);
    }
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    this.#closed = true;
    const opened = await this.#opened?.catch(() => undefined);
    this.#opened = undefined;
    await opened?.end();
  }

  async #ask(opened: Opened, { filter, attributes, sizeLimit }: LdapQuestion): Promise<readonly Entry[]> {
    const { searchEntries } = await opened.client.search(opened.base, {
      scope: 'sub',
      filter,
      attributes: [...attributes],
      explicitBufferAttributes: ['objectSid'],
      sizeLimit,
      timeLimit: Math.ceil(this.#options.timeoutMs / 1_000),
    });
    return searchEntries;
  }

  /** The connection of the moment; everyone who asks while it is being made waits for the same one. */
  async #current(): Promise<Opened> {
    if (this.#closed) throw this.#error('it is closed');
    const current = this.#opened;
    const opened = await current?.catch(() => undefined);
    if (opened?.alive()) return opened;
    if (this.#opened === current) {
      const next = this.#open();
      this.#opened = next;
      next.catch(() => {
        if (this.#opened === next) this.#opened = undefined;
      });
    }
    return this.#opened ?? this.#current();
  }

  async #open(): Promise<Opened> {
    const { url, startTls, ca, user, password, timeoutMs } = this.#options;
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
    const deadline = setTimeout(() => upgrade.socket?.destroy(), timeoutMs); // ldapts sets no limit for the handshake
    try {
      if (startTls) await client.startTLS(upgrade);
      clearTimeout(deadline);
      // After StartTLS, ldapts does not notice when the connection below ends.
      upgrade.socket?.once('close', () => {
        alive = false;
      });
      await client.bind(user, password.reveal());
      const base = this.#options.base === '' ? await this.#defaultBase(client) : this.#options.base;
      return { client, base, alive: () => alive && client.isBound, end };
    } catch (error) {
      void end();
      throw this.#failed(error);
    } finally {
      clearTimeout(deadline);
    }
  }

  /** RFC 4512, 5.1: the root DSE; Active Directory names its domain there. */
  async #defaultBase(client: Client): Promise<string> {
    const { searchEntries } = await client.search('', {
      scope: 'base',
      filter: new PresenceFilter({ attribute: 'objectClass' }),
      attributes: ['defaultNamingContext'],
    });
    const base = searchEntries[0] && textOf(searchEntries[0], 'defaultNamingContext');
    if (base === undefined) throw this.#error('it names no default naming context. Set base');
    return base;
  }

  #discard(opened: Opened): void {
    this.#opened = undefined;
    void opened.end();
  }

  #failed(error: unknown): DirectoryError {
    if (error instanceof DirectoryError) return error;
    const why = error instanceof Error ? error.message : 'unknown error';
    if (error instanceof InvalidCredentialsError)
      return new DirectorySignInError(
        `Cannot ask directory ${this.#options.url}: it refused the bind user: ${signInFault(why)}`,
        {
          cause: error,
        },
      );
    return this.#error(why, error);
  }

  #error(why: string, cause?: unknown): DirectoryError {
    return new DirectoryError(`Cannot ask directory ${this.#options.url}: ${why}`, { cause });
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'ldap:' && url.protocol !== 'ldaps:') || url.hostname === '')
    throw new DirectoryError('Cannot use directory: its URL is not of the form ldaps://host[:port]');
  if (url.username !== '' || url.password !== '')
    throw new DirectoryError('Cannot use directory: its URL contains credentials');
  return url;
}

/** Active Directory's codes for a refused bind, in words (MS-ADTS 3.1.1.5, Win32 error codes in hexadecimal). */
const signInFaults: readonly (readonly [code: string, meaning: string])[] = [
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

function signInFault(text: string): string {
  const code = /\bdata ([0-9a-f]{3})\b/.exec(text)?.[1];
  const known = signInFaults.find(([each]) => each === code);
  return known === undefined ? 'invalid credentials' : `${known[1]} (${known[0]})`;
}
