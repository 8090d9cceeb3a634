import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyContext } from '../json-schema.ts';
import { oidc, parseProviderUrl } from './sign-in-oidc.ts';

const issuer = 'https://login.example/realms/corp';
const read = (entry: object) => oidc(emptyContext).safeParse({ issuer, client_id: 'cardea', ...entry });
const problem = (entry: object): string => {
  const result = read(entry);
  return result.success
    ? 'right'
    : result.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
};

test('oidc() needs an issuer and a client, and fills in the rest', () => {
  const { data } = read({});
  assert.deepEqual(
    {
      id: data?.id,
      scopes: data?.scopes,
      refresh: data?.refresh,
      timeout: data?.timeout,
      claims: data?.claims.subject,
    },
    { id: 'oidc', scopes: ['openid', 'profile', 'email'], refresh: false, timeout: 5_000, claims: 'sub' },
  );
});

test('oidc() keeps the issuer letter for letter, since tokens are compared with it', () => {
  for (const url of ['https://login.example', 'https://login.example/', 'https://Login.example:443/a/']) {
    assert.equal(read({ issuer: url }).data?.issuer, url);
  }
});

test('oidc() takes one claim or several for the account, and templates', () => {
  assert.deepEqual(read({ claims: { user: 'CORP\\{sam}' } }).data?.claims.user, ['CORP\\{sam}']);
  assert.deepEqual(read({ claims: { user: ['a', 'b'] } }).data?.claims.user, ['a', 'b']);
});

const wrong: readonly (readonly [entry: object, message: RegExp])[] = [
  [{ issuer: undefined }, /neither issuer nor discovery/],
  [{ issuer: 'http://login.example' }, /not encrypted/],
  [{ scopes: ['profile'] }, /"openid" is missing/],
  [{ id: 'En tra' }, /not a name for a provider/],
  [{ id: 'a/b' }, /not a name for a provider/],
  [{ client_secret: 'x', client_key: 'k.pem' }, /there is a secret as well/],
  [{ client_key_id: 'x' }, /no client_key that it belongs to/],
  [{ client_auth: 'client_secret_post' }, /no secret to send/],
  [{ tenants: ['common'] }, /not the id of a tenant/],
  [{ claims: { user: '{' } }, /claims: user/],
  [{ claims: { subject: '{sub}' } }, /not a claim/],
  [{ groups_from: 'directory', groups_allowed: ['x'] }, /not known yet/],
  [{ refresh_every: '10s' }, /too short/],
];
for (const [entry, message] of wrong) {
  test(`oidc() refuses ${JSON.stringify(entry)}`, () => assert.match(problem(entry), message));
}

test('parseProviderUrl() takes plain http for this machine only, and nothing that could be read in two ways', () => {
  const kind = (text: string): string => parseProviderUrl(text).kind;
  assert.deepEqual(['http://127.0.0.1:1/x', 'http://localhost:1', 'http://[::1]:1'].map(kind), ['ok', 'ok', 'ok']);
  const bad = [
    'https://u:p@x',
    'https://x\\y',
    'https://x?y',
    'https://x#y',
    'https:x',
    'ftp://x',
    'http://localhost.evil',
  ];
  assert.deepEqual(
    bad.map(kind),
    bad.map(() => 'wrong'),
  );
});

test('parseProviderUrl() does not repeat a password', () => {
  const parsed = parseProviderUrl('https://user:hush@login.example');
  assert.ok(parsed.kind === 'wrong' && !parsed.message.includes('hush'));
  const spaced = parseProviderUrl('https://user:hush@login example');
  assert.ok(spaced.kind === 'wrong' && !spaced.message.includes('hush'));
});
