import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, UpstreamError } from './upstream-failure.ts';

const coded = (code: string, message = 'text'): Error => Object.assign(new Error(message), { code });

for (const [code, meaning] of [
  ['ECONNREFUSED', 'connect-refused'],
  ['ETIMEDOUT', 'connect-timeout'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['ENOTFOUND', 'name'],
  ['EAI_AGAIN', 'name'],
  ['EPROTO', 'tls'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
  ['CERT_HAS_EXPIRED', 'tls'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
  ['EHOSTUNREACH', 'other'],
] as const) {
  test(`failureOf() calls ${code} ${meaning}`, () => assert.equal(failureOf(coded(code), 'http://a').code, meaning));
}

test('failureOf() keeps the code that our own clocks give', () => {
  const failure = failureOf(new UpstreamError('response-timeout', 'no response within 5 ms'), 'http://a:1');
  assert.deepEqual(failure, { code: 'response-timeout', detail: 'http://a:1: no response within 5 ms' });
});

test('failureOf() names the upstream and takes one line of what OpenSSL says', () => {
  assert.equal(failureOf(coded('EPROTO', 'first\nsecond\n'), 'https://a').detail, 'https://a: first');
});

test('failureOf() explains an attempt on several addresses by the first of them', () => {
  const error = Object.assign(new AggregateError([coded('ECONNREFUSED', 'connect ECONNREFUSED ::1:80')]), {
    code: 'ECONNREFUSED',
  });
  assert.deepEqual(failureOf(error, 'http://a'), {
    code: 'connect-refused',
    detail: 'http://a: connect ECONNREFUSED ::1:80',
  });
});

test('failureOf() copes with what is no error at all', () => {
  assert.deepEqual(failureOf(undefined, 'http://a'), { code: 'other', detail: 'http://a: unknown error' });
});
