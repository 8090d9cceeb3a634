/**
 * One connection to the directory for many askers, who leave the directory alone for
 * a while after it has failed.
 *
 * @module
 */
import type { Entry } from 'ldapts';
import { DirectoryError } from '../ports/directory.ts';
import {
  DirectorySignInError,
  LdapConnection,
  type LdapConnectionOptions,
  type LdapQuestion,
} from './ldap-connection.ts';

/** While the directory is down, people who sign in should not each wait for a time-out. */
const pauseMs = 5_000;
/** A refused password, tried again and again, locks the account. */
const pauseAfterRefusalMs = 60_000;

/** Asks over one connection, and remembers for a while that the directory is down. */
export class PatientConnection {
  readonly #connection: LdapConnection;
  readonly #url: string;
  readonly #onTrouble: (message: string) => void;
  #pause: { readonly until: number; readonly error: DirectoryError } | undefined;

  /** `onTrouble` is told when the directory stops answering, and when it answers again. It must not throw. */
  constructor(options: LdapConnectionOptions, onTrouble: (message: string) => void) {
    this.#connection = new LdapConnection(options);
    this.#url = options.url;
    this.#onTrouble = onTrouble;
  }

  /** The entries that fit. Throws `DirectoryError`. */
  async search(question: LdapQuestion, now: number): Promise<readonly Entry[]> {
    if (this.#pause !== undefined && now < this.#pause.until) throw this.#pause.error;
    try {
      const answer = await this.#connection.search(question);
      if (this.#pause !== undefined) this.#onTrouble(`Directory ${this.#url} answers again`);
      this.#pause = undefined;
      return answer;
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error;
      if (this.#pause === undefined) this.#onTrouble(`${error.message}. What is remembered serves meanwhile`);
      this.#pause = {
        until: now + (error instanceof DirectorySignInError ? pauseAfterRefusalMs : pauseMs),
        error,
      };
      throw error;
    }
  }

  /** As `search`, whether or not there is a pause, and without beginning one. */
  searchNow(question: LdapQuestion): Promise<readonly Entry[]> {
    return this.#connection.search(question);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
