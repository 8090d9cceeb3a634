import type { KeptToken } from './token-cache.ts';

/** A token with less than this left is not shown any more: it would end on the way. */
const leastLeftMs = 10_000;

/** What a token is good for at a moment. */
export type Worth = 'good' | 'due' | 'over';

/**
 * When a new token is to be fetched: after 70 to 80 percent of its life, by `random` (0 to 1). A thousand programs that began
 * in the same minute do not come back in the same second.
 */
export function renewalTime({ receivedAt, expiresAt }: KeptToken, random: number): number {
  return Math.round(receivedAt + (expiresAt - receivedAt) * (0.8 - 0.1 * random));
}

/** Whether a token can be used, and whether it is time for the next. */
export function worthOf(token: KeptToken, renewAt: number, now: number): Worth {
  // A clock that was set back says nothing about how much is left.
  if (now < token.receivedAt - 60_000 || now >= token.expiresAt - leastLeftMs) return 'over';
  return now >= renewAt ? 'due' : 'good';
}
