/** What of a Redis may be said in messages: where it is, and what is wrong, in words of ours. */

/** What Redis answers, by the first word, and what a system call says, by its code. */
const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  EACCES: 'this user may not open the socket',
  ENOTFOUND: 'its host name is unknown',
  EAI_AGAIN: 'its host name cannot be looked up',
  ETIMEDOUT: 'it does not answer',
  ECONNRESET: 'it closed the connection',
  NOAUTH: 'it wants a password',
  WRONGPASS: 'it does not take this user name and password',
  NOPERM: 'this user lacks a right there',
  LOADING: 'it is still reading its data',
  READONLY: 'it is a replica, and takes no writes',
  MASTERDOWN: 'it is a replica without its primary',
  OOM: 'its memory is full',
  MISCONF: 'it cannot write its data to disk',
  BUSY: 'it is busy with a script',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate chains to an authority that is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate chains to an authority that is not trusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

/**
 * What is wrong, without a word of the error itself: the client library puts commands with their arguments, and so
 * passwords and sessions, into some messages, and on every error object.
 */
export function troubleOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the connection was lost';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : /^[A-Z]{2,}\b/.exec(error.message)?.[0];
  if (code !== undefined) return words[code] ?? `error ${code}`;
  if (/timed out|timeout/i.test(error.message)) return 'it does not answer in time';
  return 'the connection was lost';
}

/** `redis.corp.example:6379`, or the path of the socket. */
export const placeOf = (url: string): string =>
  url.startsWith('unix:') ? url.slice('unix:'.length) : new URL(url).host || 'an unknown place';
