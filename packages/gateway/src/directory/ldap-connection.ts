/**
 * One LDAP connection that is encrypted, signed in and kept; it is made again when it
 * has broken. (ldapts would reconnect by itself, but then without StartTLS and without
 * signing in, so a client of its is never used beyond its first connection.)
 *
 * @module
 */
import {
  type Client,
  type Entry,
  type Filter,
  InvalidCredentialsError,
  NoSuchObjectError,
  PresenceFilter,
  ResultCodeError,
} from 'ldapts';
import type { Secret } from '../core/secret.ts';
import { DirectoryError } from '../ports/directory.ts';
import { bindFault, checkLdapServer, connectLdap, ldapError, type LdapLine, type LdapServer } from './ldap-connect.ts';
import { textOf } from './ldap-entries.ts';

export interface LdapConnectionOptions extends LdapServer {
  /** `svc@corp.example`, `CORP\svc` or a distinguished name. */
  readonly user: string;
  readonly password: Secret;
  /** Where to search; `''`: the server's default naming context. */
  readonly base: string;
}

export interface LdapQuestion {
  readonly filter: Filter;
  readonly attributes: readonly string[];
  readonly sizeLimit: number;
  /** This entry alone is asked, not what lies below the base; no entry when there is none. `''`: the root DSE. */
  readonly at?: string;
  /** What lies below this entry is asked, not what lies below the base. */
  readonly below?: string;
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
    checkLdapServer(options);
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

  async #ask(opened: Opened, question: LdapQuestion): Promise<readonly Entry[]> {
    const { filter, attributes, sizeLimit, at, below } = question;
    try {
      const { searchEntries } = await opened.client.search(at ?? below ?? opened.base, {
        scope: at === undefined ? 'sub' : 'base',
        filter,
        attributes: [...attributes],
        explicitBufferAttributes: ['objectSid', 'tokenGroups'],
        sizeLimit,
        timeLimit: Math.ceil(this.#options.timeoutMs / 1_000),
      });
      return searchEntries;
    } catch (error) {
      if (at !== undefined && error instanceof NoSuchObjectError) return [];
      throw error;
    }
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
    const { user, password } = this.#options;
    let line: LdapLine | undefined;
    try {
      line = await connectLdap(this.#options);
      const { client, alive, end } = line;
      await client.bind(user, password.reveal());
      const base = this.#options.base === '' ? await this.#defaultBase(client) : this.#options.base;
      return { client, base, alive: () => alive() && client.isBound, end };
    } catch (error) {
      void line?.end();
      throw this.#failed(error);
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
        `Cannot ask directory ${this.#options.url}: it refused the bind user: ${bindFault(error).words}`,
        {
          cause: error,
        },
      );
    return this.#error(why, error);
  }

  #error(why: string, cause?: unknown): DirectoryError {
    return ldapError(this.#options.url, why, cause);
  }
}
