/**
 * Upstream connections that somebody has proven who they are on. NTLM, and Negotiate as some servers do it, authenticate a
 * connection and not a request: whatever comes on it afterwards is taken for that person's. Such a connection carries
 * requests of the one client connection that it was proven for, and nobody else's, and ends with it.
 *
 * @module
 */
import { type Fields, fieldValues } from './fields.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** A scheme whose legs belong to a connection; as a word of its own. */
const SCHEME = '(?:ntlm|negotiate|nego2|kerberos|credssp)(?![^ \\t\\r])';
const PROVES = new RegExp(`\\r\\nauthorization:[ \\t]*${SCHEME}`, 'i');
const LEG = new RegExp(`^${SCHEME}[ \\t]+[^ \\t]`, 'i');

/** Whether a request with this head (as text, from its request line on) may authenticate the connection that it goes out on. */
export const provesOverConnection = (head: string): boolean => PROVES.test(head);

/** Whether an answer is a leg of such a proof, beyond the bare offer. */
export const isLegOfProof = (fields: Fields): boolean =>
  fieldValues(fields, 'www-authenticate').some((value) => LEG.test(value));

/** Where the bound connection of one client connection to one upstream waits for its next request. */
export class Pin {
  #connection: UpstreamConnection | undefined;
  #ended = false;

  /** The connection, if it is there and free. Whoever takes it puts a request on it. */
  take(): UpstreamConnection | undefined {
    const connection = this.#connection;
    this.#connection = undefined;
    return connection;
  }

  /** Keeps a connection that is free. False: nobody will need it any more. */
  keep(connection: UpstreamConnection): boolean {
    if (this.#ended || this.#connection !== undefined) return false;
    this.#connection = connection;
    return true;
  }

  /** A connection has closed. */
  lost(connection: UpstreamConnection): void {
    if (this.#connection === connection) this.#connection = undefined;
  }

  /** The client has gone. */
  end(): void {
    this.#ended = true;
    this.take()?.close();
  }
}
