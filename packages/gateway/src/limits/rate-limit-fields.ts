/**
 * What clients are told of limits: the fields `RateLimit` and `RateLimit-Policy` of
 * draft-ietf-httpapi-ratelimit-headers (revision 09: two lists of Structured Fields, RFC 9651), `Retry-After`
 * (RFC 9110, 10.2.3), and a body that clients of the OpenAI API understand.
 *
 * @module
 */
import type { LimitLeft, LimitName, LimitRefusal } from '../ports/limiter.ts';

type Field = readonly [name: string, value: string];

/** An answer with the status 429. */
export interface RefusalAnswer {
  readonly fields: readonly Field[];
  readonly body: string;
}

interface Words {
  /** Parameters of the policy: the window, and what is counted where that is not requests. */
  readonly policy: string;
  /** As a limit of 60 is told. */
  readonly text: string;
  /** What OpenAI calls it. */
  readonly type: 'requests' | 'tokens';
}

const words: Readonly<Record<LimitName, Words>> = {
  'requests-per-minute': { policy: ';w=60', text: 'requests per minute', type: 'requests' },
  concurrent: { policy: ';qu="concurrent-requests"', text: 'requests at the same time', type: 'requests' },
  'tokens-per-minute': { policy: ';w=60;qu="tokens"', text: 'tokens per minute', type: 'tokens' },
  'tokens-per-day': { policy: ';w=86400;qu="tokens"', text: 'tokens per day', type: 'tokens' },
};

/** A limit in words: `60 requests per minute`. */
export const limitText = (limit: LimitName, allowed: number): string => `${allowed} ${words[limit].text}`;

/** Clients of the OpenAI API wait for so long at most, and else try again at once. */
const longestRetryMs = 60_000;

/** What is left of each limit after a request that was let through. Nothing without limits. */
export function rateLimitFields(left: readonly LimitLeft[]): readonly Field[] {
  if (left.length === 0) return [];
  return [
    ['RateLimit-Policy', left.map(policy).join(', ')],
    ['RateLimit', left.map((one) => state(one, one.left, one.resetMs)).join(', ')],
  ];
}

/** The answer to a request that a limit has refused: which limit, and when to try again. `requestId`: its number in the audit log. */
export function refusalAnswer(refusal: LimitRefusal, requestId: string): RefusalAnswer {
  const { limit, allowed, key, retryAfterMs } = refusal;
  const retry = retryAfterMs === undefined ? undefined : seconds(retryAfterMs);
  const whose = groupOf(key) === undefined ? '' : ` (shared by the group ${groupOf(key)})`;
  const which = `${limitText(limit, allowed)}${whose}`;
  const message =
    retry === undefined
      ? `This request asks for more tokens than its limit has: ${which}. Ask for fewer: a shorter text, or a smaller max_tokens.`
      : `Rate limit reached: ${which}. Try again in ${duration(retry)}.`;
  const error = {
    message,
    type: words[limit].type,
    param: null,
    code: retry === undefined ? 'request_too_large' : 'rate_limit_exceeded',
    limit,
    limit_of: key.slice(0, key.indexOf(':')),
    allowed,
    retry_after_ms: retryAfterMs ?? null,
    request_id: requestId,
  };
  return {
    fields: [
      ['Content-Type', 'application/json'],
      ...(retry === undefined ? [] : [['Retry-After', String(retry)] as const]),
      // Their clients try again by themselves, which would be in vain.
      ...(retryAfterMs !== undefined && retryAfterMs <= longestRetryMs ? [] : [['X-Should-Retry', 'false'] as const]),
      ['RateLimit-Policy', policy(refusal)],
      ['RateLimit', state(refusal, 0, retryAfterMs)],
    ],
    body: `${JSON.stringify({ error })}\n`,
  };
}

type Named = Pick<LimitLeft, 'key' | 'limit' | 'allowed'>;

const policy = ({ key, limit, allowed }: Named): string => `${name({ key, limit })};q=${allowed}${words[limit].policy}`;

const state = ({ key, limit }: Pick<Named, 'key' | 'limit'>, left: number, resetMs: number | undefined): string =>
  `${name({ key, limit })};r=${left}${resetMs === undefined ? '' : `;t=${seconds(resetMs)}`}`;

/** A string of Structured Fields, which holds ASCII alone. What is one's own has the name of the limit; what a group shares, that of the group too. */
function name({ key, limit }: Pick<Named, 'key' | 'limit'>): string {
  const group = groupOf(key);
  if (group === undefined) return `"${limit}"`;
  const ascii = group.toWellFormed().replace(/[^ !#-$&-[\]-~]/gu, encodeURIComponent);
  return `"${limit} ${ascii}"`;
}

const groupOf = (key: string): string | undefined =>
  key.startsWith('group:') ? key.slice('group:'.length) : undefined;

/** Never early. */
const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000));

function duration(total: number): string {
  if (total < 120) return `${total} s`;
  const minutes = Math.ceil(total / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
