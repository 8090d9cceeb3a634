/** Why we end a stream. One word each: in the audit log, in the metrics, and as the reason in the Close of a WebSocket. */
export const streamEnds = [
  'signed-out',
  'session-revoked',
  'replaced',
  'session-expired',
  'credential-revoked',
  'credential-expired',
  'sign-in-too-old',
  'max-lifetime',
  'unverifiable',
  'no-longer-allowed',
] as const;

export type StreamEnd = (typeof streamEnds)[number];

/**
 * The code of the Close (RFC 6455, 7.4.2: 4000 to 4999 are for agreements of one's own). 4401: sign in and come back, as
 * with 401. 4403: this person may not, as with 403.
 */
export const closeCodeOf = (end: StreamEnd): 4401 | 4403 => (end === 'no-longer-allowed' ? 4403 : 4401);
