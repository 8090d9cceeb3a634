import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertMayHaveToken, tokenEndpoint } from './addresses.ts';

test('tokenEndpoint() adds the path to an issuer, and leaves an address with a path alone', () => {
  assert.equal(tokenEndpoint('https://auth.corp.example', false).href, 'https://auth.corp.example/desktop/token');
  assert.equal(
    tokenEndpoint('https://auth.corp.example/auth/token#x', false).href,
    'https://auth.corp.example/auth/token',
  );
});

for (const url of ['auth.corp.example', '', 'https://alice:secret@auth.corp.example'])
  test(`tokenEndpoint() takes no "${url}", and does not repeat it`, () =>
    assert.throws(
      () => tokenEndpoint(url, true),
      (error: unknown) => error instanceof TypeError && !error.message.includes('secret'),
    ));

const places: readonly (readonly [url: string, safe: boolean])[] = [
  ['https://auth.corp.example', true],
  ['http://127.0.0.1:8080', true],
  ['http://[::1]:8080', true],
  ['http://localhost', true],
  ['http://auth.corp.example', false],
  ['http://127.0.0.1.corp.example', false],
  ['http://localhost.corp.example', false],
  ['ftp://auth.corp.example', false],
];
for (const [url, safe] of places)
  test(`tokenEndpoint() and assertMayHaveToken() ${safe ? 'take' : 'refuse'} ${url}`, () => {
    for (const check of [
      () => void tokenEndpoint(url, false),
      () => assertMayHaveToken(new URL(url), undefined, false),
    ])
      if (safe) check();
      else assert.throws(check, { code: 'not-secure' });
  });

test('assertMayHaveToken() goes by origins, where there are some', () => {
  const origins = new Set(['https://llm.corp.example']);
  assertMayHaveToken(new URL('https://llm.corp.example/v1'), origins, false);
  for (const other of ['https://llm.corp.example:444/', 'https://evil.example/https://llm.corp.example'])
    assert.throws(() => assertMayHaveToken(new URL(other), origins, false), { code: 'not-secure' });
});
