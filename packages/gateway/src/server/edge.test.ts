import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fields } from '../wire/fields.ts';
import type { CorsOptions } from './cors.ts';
import { type EdgeOptions, edgeOf, type ResponseHeaderOptions, securityFields } from './edge.ts';

const headers = (given: Partial<ResponseHeaderOptions>): EdgeOptions => ({
  headers: { security: 'off', set: {}, add: {}, remove: [], ...given },
  cors: undefined,
});
const cors = (given: Partial<CorsOptions>): EdgeOptions => ({
  headers: undefined,
  cors: {
    origins: ['https://portal.corp.example'],
    methods: ['GET', 'POST'],
    headers: ['X-CSRF-Token'],
    expose: [],
    credentials: false,
    maxAgeMs: 600_000,
    ...given,
  },
});
const filtered = (options: EdgeOptions, fields: Fields, status = 200, proto: 'http' | 'https' = 'https'): Fields =>
  edgeOf(options)?.filter(proto, undefined)(fields, status) ?? [];

/** Values by name in lower case, several joined. */
const byName = (fields: Fields): Readonly<Record<string, string>> => {
  const all: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] ?? '').toLowerCase();
    all[name] = name in all ? `${all[name]} | ${fields[i + 1]}` : (fields[i + 1] ?? '');
  }
  return all;
};

test('edgeOf() makes nothing of nothing', () => {
  assert.equal(edgeOf({ headers: undefined, cors: undefined }), undefined);
});

test('Edge.filter gives the same function for the same arguments, since heads are remembered by it', () => {
  const edge = edgeOf(headers({ set: { 'X-A': '1' } }));
  const before = (fields: Fields): Fields => fields;
  assert.equal(edge?.filter('https', before), edge?.filter('https', before));
  assert.notEqual(edge?.filter('https', before), edge?.filter('http', before));
  assert.notEqual(edge?.filter('https', before), edge?.filter('https', undefined));
});

test('Edge.filter sets in the place of every field of the name, adds where there is none, and removes', () => {
  const options = headers({
    set: { 'X-Set': 'ours' },
    add: { 'X-Add': 'ours', 'X-There': 'ours' },
    remove: ['Server'],
  });
  const received = ['server', 'x', 'x-set', 'a', 'X-SET', 'b', 'x-there', 'theirs', 'X-Other', 'theirs'];
  assert.deepEqual(byName(filtered(options, received)), {
    'x-set': 'ours',
    'x-add': 'ours',
    'x-there': 'theirs',
    'x-other': 'theirs',
  });
});

test('Edge.filter adds nothing to a 304, which would replace what the app has said with the stored response', () => {
  const options = headers({ security: 'missing', set: { 'X-Set': 'ours' } });
  assert.deepEqual(byName(filtered(options, ['ETag', '"1"'], 304)), { etag: '"1"', 'x-set': 'ours' });
});

for (const status of [101, 103])
  test(`Edge.filter takes away from a ${status}, and gives it nothing`, () => {
    const options = headers({ security: 'always', set: { 'X-Set': 'ours' }, remove: ['Server'] });
    const received = ['Server', 'x', 'Link', '</a.css>', 'X-Set', 'theirs'];
    assert.deepEqual(filtered(options, received, status), ['Link', '</a.css>']);
  });

test('security: missing adds what the app does not send; always replaces it', () => {
  const received = ['Content-Security-Policy', "default-src 'self'"];
  const { 'Content-Security-Policy': own = '', ...others } = securityFields;
  const lower = (fields: object): object =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));
  const rest = lower(others);
  assert.deepEqual(byName(filtered(headers({ security: 'missing' }), received)), {
    'content-security-policy': "default-src 'self'",
    ...rest,
  });
  assert.deepEqual(byName(filtered(headers({ security: 'always' }), received)), {
    'content-security-policy': own,
    ...rest,
  });
});

test('security leaves the word to set, add and remove', () => {
  const options = headers({
    security: 'always',
    set: { 'referrer-policy': 'no-referrer' },
    add: { 'X-Frame-Options': 'DENY', 'Permissions-Policy': false },
    remove: ['Content-Security-Policy'],
  });
  assert.deepEqual(byName(filtered(options, ['X-Frame-Options', 'ALLOWALL', 'Content-Security-Policy', 'x'])), {
    'strict-transport-security': 'max-age=31536000',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'ALLOWALL',
  });
});

test('Strict-Transport-Security goes out over TLS alone, whoever wrote it', () => {
  for (const given of [{ security: 'always' }, { set: { 'Strict-Transport-Security': 'max-age=1' } }] as const) {
    const name = 'strict-transport-security';
    assert.equal(
      name in byName(filtered(headers(given), ['Strict-Transport-Security', 'max-age=9'], 200, 'http')),
      false,
    );
    assert.equal(name in byName(filtered(headers(given), [], 200, 'https')), true);
    assert.equal(name in byName(edgeOf(headers(given))?.ownFields('http', []) ?? []), false);
  }
});

test('Edge.ownFields adds to our own answers, and replaces nothing there', () => {
  const edge = edgeOf(headers({ security: 'always', set: { 'X-Set': 'ours' } }));
  const own = byName(edge?.ownFields('https', ['Content-Security-Policy', "default-src 'none'"]) ?? []);
  assert.equal(own['content-security-policy'], "default-src 'none'");
  assert.deepEqual([own['x-set'], own['strict-transport-security']], ['ours', 'max-age=31536000']);
});

test('with cors, what the app says about it goes, and caches learn that answers differ', () => {
  const received = ['Access-Control-Allow-Origin', '*', 'access-control-expose-headers', 'X-Secret', 'Vary', 'Accept'];
  assert.deepEqual(byName(filtered(cors({}), received)), { vary: 'Accept | Origin' });
  assert.deepEqual(byName(filtered(cors({}), ['Vary', 'Accept, origin'])), { vary: 'Accept, origin' });
  assert.deepEqual(byName(filtered(cors({}), ['Vary', '*'])), { vary: '*' });
  assert.deepEqual(byName(filtered(cors({ origins: '*' }), received)), { vary: 'Accept' });
});

test('without cors, what the app says about it is its own affair', () => {
  const received = ['Access-Control-Allow-Origin', '*'];
  assert.deepEqual(filtered(headers({}), received), received);
});

const fieldsFor = (options: EdgeOptions, origin: string): object =>
  byName(edgeOf(options)?.cors?.fieldsFor({ fields: ['Origin', origin] }) ?? []);

test('Cors.fieldsFor lets the pages of its origins read, and no others', () => {
  assert.deepEqual(fieldsFor(cors({ expose: ['X-A', 'X-B'] }), 'https://portal.corp.example'), {
    'access-control-allow-origin': 'https://portal.corp.example',
    'access-control-expose-headers': 'X-A, X-B',
  });
  assert.deepEqual(fieldsFor(cors({ credentials: true }), 'https://portal.corp.example'), {
    'access-control-allow-origin': 'https://portal.corp.example',
    'access-control-allow-credentials': 'true',
  });
  for (const other of [
    'https://portal.corp.example.evil.example',
    'https://evil.example',
    'http://portal.corp.example',
    'https://portal.corp.example:8443',
    'null',
    '*',
    '',
  ])
    assert.deepEqual(fieldsFor(cors({ credentials: true }), other), {}, other);
  assert.deepEqual(fieldsFor(cors({ origins: '*' }), 'https://evil.example'), { 'access-control-allow-origin': '*' });
});

test('Cors.fieldsFor says nothing to a request with two origins', () => {
  const one = 'https://portal.corp.example';
  const fields = ['Origin', one, 'Origin', one];
  assert.deepEqual(edgeOf(cors({}))?.cors?.fieldsFor({ fields }), []);
});

test('edgeOf() never lets every site act with credentials', () => {
  assert.throws(() => edgeOf(cors({ origins: '*', credentials: true })), TypeError);
});

test('Cors.preflight answers what asks for a method, and nothing else', () => {
  const edge = edgeOf(cors({ credentials: true }))?.cors;
  const origin = ['Origin', 'https://portal.corp.example'];
  const asks = [...origin, 'Access-Control-Request-Method', 'PUT'];
  const answer = edge?.preflight({ method: 'OPTIONS', fields: asks });
  assert.equal(answer?.allowed, true);
  assert.equal(answer.reply.status, 204);
  assert.deepEqual(byName(answer.reply.fields), {
    'access-control-allow-origin': 'https://portal.corp.example',
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'X-CSRF-Token',
    'access-control-max-age': '600',
    vary: 'Origin',
  });
  const refused = edge?.preflight({ method: 'OPTIONS', fields: ['Origin', 'https://evil.example', ...asks.slice(2)] });
  assert.deepEqual([refused?.allowed, refused?.reply.status], [false, 403]);
  assert.equal('access-control-allow-origin' in byName(refused?.reply.fields ?? []), false);
  assert.equal(edge?.preflight({ method: 'OPTIONS', fields: origin }), undefined);
  assert.equal(edge?.preflight({ method: 'OPTIONS', fields: asks.slice(2) }), undefined);
  assert.equal(edge?.preflight({ method: 'GET', fields: asks }), undefined);
});
