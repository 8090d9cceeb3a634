import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LimitRefusal } from '../ports/limiter.ts';
import { rateLimitFields, refusalAnswer } from './rate-limit-fields.ts';

const refusal: LimitRefusal = {
  granted: false,
  key: 'person:S-1-5-21-1-2-3-1001',
  limit: 'requests-per-minute',
  allowed: 60,
  retryAfterMs: 11_001,
  unshared: false,
};
const fieldsOf = (more: Partial<LimitRefusal>) =>
  Object.fromEntries(refusalAnswer({ ...refusal, ...more }, 'r-1').fields) as Readonly<Record<string, string>>;

test('rateLimitFields() tells each limit, what is left of it, and when it is whole where that is known', () => {
  const key = 'person:a';
  assert.deepEqual(
    rateLimitFields([
      { key, limit: 'requests-per-minute', allowed: 60, left: 12 },
      { key, limit: 'concurrent', allowed: 4, left: 0 },
      { key: 'group:desk a', limit: 'tokens-per-minute', allowed: 500, left: 20 },
      { key, limit: 'tokens-per-day', allowed: 9_000, left: 8_000, resetMs: 1_001 },
    ]),
    [
      [
        'RateLimit-Policy',
        '"requests-per-minute";q=60;w=60, "concurrent";q=4;qu="concurrent-requests", "tokens-per-minute desk a";q=500;w=60;qu="tokens", "tokens-per-day";q=9000;w=86400;qu="tokens"',
      ],
      [
        'RateLimit',
        '"requests-per-minute";r=12, "concurrent";r=0, "tokens-per-minute desk a";r=20, "tokens-per-day";r=8000;t=2',
      ],
    ],
  );
});

test('rateLimitFields() says nothing where nothing is limited', () => assert.deepEqual(rateLimitFields([]), []));

test('rateLimitFields() writes any name of a group as a string of Structured Fields', () => {
  const [field] = rateLimitFields([
    { key: 'group:jürgens "desk"\\\r\n\ud800', limit: 'concurrent', allowed: 1, left: 0 },
  ]);
  assert.equal(field?.[1], '"concurrent j%C3%BCrgens %22desk%22%5C%0D%0A%EF%BF%BD";q=1;qu="concurrent-requests"');
});

test('refusalAnswer() tells when to try again, never too early', () => {
  assert.deepEqual(fieldsOf({}), {
    'Content-Type': 'application/json',
    'Retry-After': '12',
    'RateLimit-Policy': '"requests-per-minute";q=60;w=60',
    RateLimit: '"requests-per-minute";r=0;t=12',
  });
  assert.equal(fieldsOf({ retryAfterMs: 1 })['Retry-After'], '1');
});

test('refusalAnswer() keeps clients from trying again by themselves where that is in vain', () => {
  assert.equal(fieldsOf({ retryAfterMs: 60_000 })['X-Should-Retry'], undefined);
  assert.equal(fieldsOf({ retryAfterMs: 60_001 })['X-Should-Retry'], 'false');
  const never = fieldsOf({ limit: 'tokens-per-day', retryAfterMs: undefined });
  assert.deepEqual([never['Retry-After'], never['X-Should-Retry']], [undefined, 'false']);
});

test('refusalAnswer() has a body that clients of the OpenAI API understand, without the name of anybody', () => {
  assert.deepEqual(JSON.parse(refusalAnswer(refusal, 'r-1').body), {
    error: {
      message: 'Rate limit reached: 60 requests per minute. Try again in 12 s.',
      type: 'requests',
      param: null,
      code: 'rate_limit_exceeded',
      limit: 'requests-per-minute',
      limit_of: 'person',
      allowed: 60,
      retry_after_ms: 11_001,
      request_id: 'r-1',
    },
  });
});

const messages = [
  [
    { key: 'group:desk a', limit: 'tokens-per-day', allowed: 9, retryAfterMs: 7_320_000 },
    'Rate limit reached: 9 tokens per day (shared by the group desk a). Try again in 2 h 2 min.',
  ],
  [
    { limit: 'concurrent', allowed: 2, retryAfterMs: 1_000 },
    'Rate limit reached: 2 requests at the same time. Try again in 1 s.',
  ],
  [
    { limit: 'tokens-per-minute', retryAfterMs: 121_000 },
    'Rate limit reached: 60 tokens per minute. Try again in 3 min.',
  ],
  [
    { limit: 'tokens-per-minute', retryAfterMs: undefined },
    'This request asks for more tokens than its limit has: 60 tokens per minute. Ask for fewer: a shorter text, or a smaller max_tokens.',
  ],
] as const;
for (const [more, message] of messages)
  test(`refusalAnswer() says "${message}"`, () => {
    assert.equal(JSON.parse(refusalAnswer({ ...refusal, ...more }, 'r-1').body).error.message, message);
  });
