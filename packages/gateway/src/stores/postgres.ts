/**
 * PostgreSQL by a few connections, which are made when they are needed and thrown away when anything goes wrong with them.
 *
 * Everything is a transaction that sets up what it needs: there are no prepared statements, no settings of a session and no locks that
 * outlast a transaction, so that a pooler may stand between that hands out its connections by transaction.
 *
 * @module
 */
import { Socket } from 'node:net';
import { Pool, type PoolClient } from 'pg';
import type { Secret } from '../core/secret.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { codeOf, type PostgresPlace, postgresPlace, postgresTrouble } from './postgres-words.ts';

export interface PostgresOptions {
  readonly place: PostgresPlace;
  readonly user: string;
  readonly password: Secret | undefined;
  /**
   * `false`: none, for a socket or loopback. Else the server must show a certificate for its name that chains to these authorities;
   * `undefined`: to those of the system. There is no way back to plain text: a server without TLS is not used.
   */
  readonly tls: false | { readonly ca: string | undefined };
  /** How long a transaction may take, and as long again for a connection. */
  readonly timeoutMs: number;
}

/** A row as the library reads it: numbers of 8 bytes are texts. */
export type PostgresRow = Readonly<Record<string, unknown>>;

/** Runs one statement. */
export type Sql = (statement: string, values?: readonly unknown[]) => Promise<readonly PostgresRow[]>;

export interface TransactionOptions {
  /** One look at everything as it is at this moment. */
  readonly readOnly?: boolean;
  /** Instead of the usual time. */
  readonly timeoutMs?: number;
}

export interface Postgres {
  /** `pg.corp.example:5432`, for messages. */
  readonly place: string;
  /** All of it or nothing. Throws `PostgresUnavailable`; then whether it was committed may be unknown. */
  transaction<T>(work: (sql: Sql) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** What is under way has a second to end. */
  close(): Promise<void>;
}

/** It cannot be used; the message says so in words. */
export class PostgresUnavailable extends StoreUnavailable {
  /** The SQLSTATE, where it has answered with one. */
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

/** One for what is written, one for questions. */
const mostConnections = 2;
const closeMs = 1_000;
/** The server is to be the first who says that something takes too long: then it has ended there as well. */
const alarmMs = 1_000;

/** Connects when it is first used. */
export function openPostgres({ place, user, password, tls, timeoutMs }: PostgresOptions): Postgres {
  const at = postgresPlace(place);
  const sockets = new Set<Socket>();
  const pool = new Pool({
    host: place.host,
    port: place.port,
    database: place.database,
    user,
    // Always a function: without a password the library would look for one in the environment and in files.
    password: () => password?.reveal() ?? '',
    ssl: tls === false ? false : { rejectUnauthorized: true, ...(tls.ca === undefined ? {} : { ca: tls.ca }) },
    application_name: 'cardea',
    max: mostConnections,
    connectionTimeoutMillis: timeoutMs,
    idleTimeoutMillis: 60_000,
    maxLifetimeSeconds: 3_600, // so that a name that leads elsewhere now is followed
    keepAlive: true,
    stream() {
      const socket = new Socket();
      sockets.add(socket);
      return socket.once('close', () => sockets.delete(socket));
    },
  });
  pool.on('error', () => {}); // an idle connection was lost: the next transaction makes another one
  pool.on('connect', (client) => client.on('error', () => {})); // as does one in use, beside the failure of its statement
  let ended: Promise<void> | undefined;

  const unavailable = (error: unknown): StoreUnavailable =>
    error instanceof StoreUnavailable
      ? error
      : new PostgresUnavailable(`PostgreSQL at ${at} cannot be used: ${postgresTrouble(error)}`, codeOf(error));

  async function within<T>(client: PoolClient, work: (sql: Sql) => Promise<T>, begin: string): Promise<T> {
    const sql: Sql = async (statement, values) => {
      const result = await client.query<PostgresRow>(statement, values === undefined ? undefined : [...values]);
      return result.rows;
    };
    await sql(begin);
    const value = await work(sql);
    await sql('COMMIT');
    return value;
  }

  return {
    place: at,

    async transaction(work, { readOnly = false, timeoutMs: ms = timeoutMs } = {}) {
      let client: PoolClient;
      try {
        client = await pool.connect();
      } catch (error) {
        throw unavailable(error);
      }
      // For the server, should this process be gone or slow; the alarm is for a server that hangs.
      const limits = ['statement_timeout', 'idle_in_transaction_session_timeout'];
      const mode = readOnly ? ' ISOLATION LEVEL REPEATABLE READ, READ ONLY' : '';
      const begin = `BEGIN${mode}; ${limits.map((name) => `SET LOCAL ${name} = ${ms}`).join('; ')}`;
      const alarm = Promise.withResolvers<never>();
      const timer = setTimeout(() => alarm.reject(new Error('timed out')), ms + alarmMs);
      let whole = false;
      try {
        const value = await Promise.race([within(client, work, begin), alarm.promise]);
        whole = true;
        return value;
      } catch (error) {
        throw unavailable(error);
      } finally {
        clearTimeout(timer);
        client.release(!whole); // its end undoes what was begun
      }
    },

    close: () =>
      (ended ??= (async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = setTimeout(resolve, closeMs);
        await Promise.race([pool.end(), promise]);
        clearTimeout(timer);
        for (const socket of sockets) socket.destroy();
      })()),
  };
}
