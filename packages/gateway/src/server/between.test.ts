import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldFieldName } from '../wire/field-names.ts';
import { forApp, forClient, forLimitedClient } from './between.ts';

const app = (...own: readonly string[]) => ({
  signIn: {
    byRequest: [],
    bySession: [],
    providers: new Set<string>(),
    ownFields: new Set(own),
    ownSchemes: new Set(['bearer'].filter((scheme) => own.includes(scheme))),
    streamParameter: undefined,
    offer: { prefix: '/auth', challenges: [], ways: [] },
  },
});

test("forApp() keeps the app's own cookies and drops the gateway's, with and without prefix", () => {
  const cookie =
    'theme=dark; cardea=a; __Host-cardea=b; __Host-cardea-tx=c; cardea-tx-0123=d; __Host-cardea-csrf=e; cardeal=f; lang=de';
  assert.deepEqual(forApp(['Cookie', cookie], app()), ['Cookie', 'theme=dark; cardeal=f; lang=de']);
});

test('forApp() drops a Negotiate token, however its scheme is spelled, and no other credential', () => {
  assert.deepEqual(forApp(['Authorization', 'nEgOtIaTe YII='], app()), []);
  assert.deepEqual(forApp(['Authorization', 'Negotiate'], app()), []);
  assert.deepEqual(forApp(['authorization', 'Bearer x'], app()), ['authorization', 'Bearer x']);
});

test('forApp() drops the fields that carry credentials for us, and API keys in whatever place', () => {
  assert.deepEqual(forApp(['X-API-Key', 'a', 'x_api.key', 'c', 'X-Other', 'b'], app(foldFieldName('X-API-Key'))), [
    'X-Other',
    'b',
  ]);
  assert.deepEqual(forApp(['Authorization', 'bearer  cardea_1_2'], app()), []);
});

test('forApp() drops an API key also where the app takes none, and a bearer token only where it takes those', () => {
  assert.deepEqual(forApp(['X_API-Key', 'cardea_1_2', 'X-API-Key', 'own'], app()), ['X-API-Key', 'own']);
  for (const value of ['bEARER eyJ', 'Bearer', 'Bearer\teyJ'])
    assert.deepEqual(forApp(['Authorization', value, 'X', 'Bearer y'], app('bearer')), ['X', 'Bearer y']);
  assert.deepEqual(forApp(['Authorization', 'Bearers x'], app('bearer')), ['Authorization', 'Bearers x']);
});

test('forApp() keeps every credential for an app that nobody signs in to by way of us, but not our cookies', () => {
  const none = { signIn: 'none' } as const;
  const fields = ['Authorization', 'Negotiate YII=', 'X-API-Key', 'a'];
  assert.deepEqual(forApp([...fields, 'Cookie', 'cardea=a; b=c'], none), [...fields, 'Cookie', 'b=c']);
  assert.deepEqual(forApp(['Authorization', 'Bearer cardea_1_2'], none), ['Authorization', 'Bearer cardea_1_2']);
});

test('forApp() leaves Host to whoever sets it anew', () => {
  assert.deepEqual(forApp(['host', 'a', 'Accept', '*/*'], app()), ['Accept', '*/*']);
});

test("forClient() drops cookies that an app sets in the gateway's name", () => {
  const fields = ['Set-Cookie', '__Host-cardea=x; Path=/; Secure', 'Set-Cookie', 'theme=dark'];
  assert.deepEqual(forClient(fields), ['Set-Cookie', 'theme=dark']);
});

test('forLimitedClient() drops the limits that an app tells of by the names of ours, and nothing else', () => {
  const fields = ['RateLimit', '"a";r=1', 'X-RateLimit-Limit', '5', 'ratelimit-Policy', '"a";q=1', 'Retry-After', '1'];
  assert.deepEqual(forLimitedClient(fields), ['X-RateLimit-Limit', '5', 'Retry-After', '1']);
  assert.deepEqual(forLimitedClient(['RateLimited', 'RateLimit']), ['RateLimited', 'RateLimit']);
});
