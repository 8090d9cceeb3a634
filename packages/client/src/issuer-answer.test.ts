import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAnswer } from './issuer-answer.ts';
import { TokenError } from './token-error.ts';

const whole = { access_token: 'aaa.bbb.ccc', token_type: 'Bearer', expires_in: 1_800 };
const read = (status: number, body: unknown, retryAfter?: string) =>
  readAnswer({ status, body: typeof body === 'string' ? body : JSON.stringify(body), retryAfter }, 1_000);
function failure(status: number, body: unknown, retryAfter?: string): TokenError {
  try {
    read(status, body, retryAfter);
  } catch (error) {
    if (error instanceof TokenError) return error;
  }
  return assert.fail('an answer was taken');
}

test('readAnswer() gives the token with its times, by the clock of this machine', () => {
  assert.deepEqual(read(200, whole), { value: 'aaa.bbb.ccc', receivedAt: 1_000, expiresAt: 1_801_000 });
});

const wrong: readonly (readonly [what: string, body: unknown])[] = [
  ['no JSON', '<html>'],
  ['null', 'null'],
  ['no token', { ...whole, access_token: undefined }],
  ['a token with a line break in it', { ...whole, access_token: 'a\r\nX-Evil: 1' }],
  ['a token that is too long', { ...whole, access_token: 'a'.repeat(70_000) }],
  ['another type', { ...whole, token_type: 'DPoP' }],
  ['no time', { ...whole, expires_in: '1800' }],
  ['a time that is over', { ...whole, expires_in: 0 }],
];
for (const [what, body] of wrong)
  test(`readAnswer() takes no answer with ${what}, and does not repeat it`, () => {
    const error = failure(200, body);
    assert.equal(error.code, 'bad-answer');
    assert.doesNotMatch(error.message, /Evil|aaaa|<html>/);
  });

const refusals: readonly (readonly [status: number, body: unknown, code: string])[] = [
  [400, { error: 'invalid_target', error_description: 'no such audience' }, 'issuer-refused'],
  [401, { error: 'invalid_client' }, 'issuer-refused'],
  [403, { error: 'access_denied', request_id: 'r1' }, 'issuer-refused'],
  [404, 'not here', 'bad-answer'],
  [302, '', 'bad-answer'],
  [429, '', 'issuer-unavailable'],
  [503, { error: 'temporarily_unavailable' }, 'issuer-unavailable'],
];
for (const [status, body, code] of refusals)
  test(`readAnswer() tells ${status} as ${code}`, () => {
    const error = failure(status, body);
    assert.deepEqual([error.code, error.status], [code, status]);
  });

test('readAnswer() hands on what the issuer says', () => {
  const body = { error: 'access_denied', error_description: 'This account gets no token here', request_id: 'r1' };
  const error = failure(403, body, '5');
  assert.deepEqual([error.error, error.requestId, error.retryAfterMs], ['access_denied', 'r1', 5_000]);
  assert.match(error.message, /403 access_denied: This account gets no token here; request r1/);
});

test('readAnswer() lets no control characters of the issuer reach a terminal', () => {
  const { message } = failure(400, { error: 'x\u001b[2J', error_description: 'a\r\nb\u202e' });
  assert.doesNotMatch(message, /[\u0000-\u001f\u202e]/);
});
