import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forApp, forClient } from './between.ts';

test("forApp() keeps the app's own cookies and drops the gateway's, with and without prefix", () => {
  const cookie = 'theme=dark; cardea=a; __Host-cardea=b; __Host-cardea-tx=c; lang=de';
  assert.deepEqual(forApp(['Cookie', cookie]), ['Cookie', 'theme=dark; lang=de']);
});

test('forApp() drops a Negotiate token, however its scheme is spelled, and no other credential', () => {
  assert.deepEqual(forApp(['Authorization', 'nEgOtIaTe YII=']), []);
  assert.deepEqual(forApp(['Authorization', 'Negotiate']), []);
  assert.deepEqual(forApp(['authorization', 'Bearer x']), ['authorization', 'Bearer x']);
});

test('forApp() leaves Host to whoever sets it anew', () => {
  assert.deepEqual(forApp(['host', 'a', 'Accept', '*/*']), ['Accept', '*/*']);
});

test("forClient() drops cookies that an app sets in the gateway's name", () => {
  const fields = ['Set-Cookie', '__Host-cardea=x; Path=/; Secure', 'Set-Cookie', 'theme=dark'];
  assert.deepEqual(forClient(fields), ['Set-Cookie', 'theme=dark']);
});
