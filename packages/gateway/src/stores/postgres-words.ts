/** What of a PostgreSQL may be said in messages: where it is, and what is wrong, in words of ours. */

/** Where a server listens, and which of its databases is meant. */
export interface PostgresPlace {
  /** A name, an address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
}

/** What PostgreSQL answers, by its SQLSTATE, and what a system call says, by its code. */
const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  EACCES: 'this user may not open the socket',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  ENOTFOUND: 'its host name is unknown',
  EAI_AGAIN: 'its host name cannot be looked up',
  ETIMEDOUT: 'it does not answer',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate chains to an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate chains to an authority that is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate chains to an authority that is not trusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  '28P01': 'it does not take this user name and password',
  '28000': 'it does not let this user in from here (pg_hba.conf)',
  '3D000': 'it has no such database',
  '42501': 'this user lacks a right there',
  '42P01': 'its tables are not there: no gateway has kept usage there yet',
  '3F000': 'its tables are not there: no gateway has kept usage there yet',
  '42703': 'its tables have another form',
  '25006': 'it takes no writes: it is a standby, or read-only',
  '53100': 'its disk is full',
  '53200': 'it has no memory left',
  '53300': 'it takes no more connections',
  '57014': 'it takes too long',
  '57P01': 'it is stopping',
  '57P02': 'it has been stopped',
  '57P03': 'it is starting or stopping',
};

/** What is wrong, without a word of the error itself: PostgreSQL puts values of rows into some of them. */
export function postgresTrouble(error: unknown): string {
  if (!(error instanceof Error)) return 'the connection was lost';
  const code = codeOf(error);
  if (code !== undefined) return words[code] ?? `error ${code}`;
  if (/time(?:d )?out/i.test(error.message)) return 'it does not answer in time';
  if (/does not support SSL|establishing an SSL/.test(error.message)) return 'it does not speak TLS';
  if (/password must be/.test(error.message)) return 'it wants a password';
  return 'the connection was lost';
}

/** Its SQLSTATE, or the code of a system call. Of several attempts to connect: the first one's. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : undefined;
}

/** `pg.corp.example:5432`, or the path of the socket. */
export function postgresPlace({ host, port }: PostgresPlace): string {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
