import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityFieldNames, identityFieldStripper } from './field-names.ts';
import { fieldValues } from './fields.ts';
import { type DialectName, dialects, originalRequest } from './forward-auth-question.ts';
import type { Connection, RequestHead } from './http.ts';
import { checkRequest } from './request-check.ts';

const connection: Connection = {
  remoteAddress: '10.0.0.5',
  tls: true,
  certificateHash: new Uint8Array(32),
  clientCertificate: { der: new Uint8Array(1), verified: true, problem: undefined },
  memory: new Map(),
};
const forged = identityFieldStripper(identityFieldNames);
const way = ['X-Forwarded-For', '192.0.2.7', 'X-Forwarded-Proto', 'https'];
const told: Readonly<Record<'original' | 'forwarded', readonly string[]>> = {
  original: ['X-Original-Method', 'POST', 'X-Original-Host', 'desk.corp.example', 'X-Original-URI', '/a?b=c'],
  forwarded: ['X-Forwarded-Method', 'POST', 'X-Forwarded-Host', 'desk.corp.example', 'X-Forwarded-Uri', '/a?b=c'],
};

function ask(dialect: DialectName, fields: readonly string[], line: Partial<RequestHead> = {}) {
  const head: RequestHead = {
    method: 'GET',
    target: '/auth/validate',
    fields: ['Host', 'cardea.internal', ...fields],
    connection,
    upgrade: false,
    ...line,
  };
  return originalRequest(head, dialects[dialect], '/auth/validate', forged);
}

function original(...args: Parameters<typeof ask>): RequestHead {
  const question = ask(...args);
  if (question.kind === 'refused') assert.fail(question.reason);
  return question.original;
}

const reason = (...args: Parameters<typeof ask>): string => {
  const question = ask(...args);
  return question.kind === 'refused' ? question.reason : 'read';
};

for (const [dialect, fields] of [
  ['nginx', told.original],
  ['haproxy', told.original],
  ['caddy', told.forwarded],
  ['traefik', told.forwarded],
] as const)
  test(`originalRequest() reads method, host and target of ${dialect}, and nothing of the question's own remains`, () => {
    const read = original(dialect, [...fields, ...way, 'Cookie', 'a=b', 'Content-Length', '0', 'Connection', 'close']);
    assert.deepEqual([read.method, read.target], ['POST', '/a?b=c']);
    assert.deepEqual(read.fields, ['Host', 'desk.corp.example', ...way, 'Cookie', 'a=b']);
  });

test("originalRequest() takes Envoy's question from its own line, byte for byte behind the endpoint's path", () => {
  const head = original('envoy', way, { method: 'DELETE', target: '/auth/validate/a%2f../b?c' });
  assert.deepEqual(
    [head.method, head.target, fieldValues(head.fields, 'host')],
    ['DELETE', '/a%2f../b?c', ['cardea.internal']],
  );
});

test('originalRequest() refuses a question that tells something twice, in whatever case', () => {
  for (const [name, value] of [
    ['x-original-uri', '/health'],
    ['X-ORIGINAL-METHOD', 'GET'],
    ['X-Original-Host', 'desk.corp.example'],
    ['x-forwarded-proto', 'https'],
    ['X-Original-Upgrade', ''],
  ] as const) {
    const twice = [...told.original, ...way, 'X-Original-Upgrade', '', name, value];
    assert.equal(reason('nginx', twice), 'forward-auth-field-repeated', name);
  }
});

test('originalRequest() refuses a question that leaves something out', () => {
  const all = [...told.original, ...way];
  const without = (name: string): string[] =>
    all.flatMap((text, i) => (i % 2 === 0 && text !== name ? [text, all[i + 1] ?? ''] : []));
  assert.equal(reason('nginx', without('X-Original-Method')), 'forward-auth-method-missing');
  assert.equal(reason('nginx', without('X-Original-Host')), 'forward-auth-host-missing');
  assert.equal(reason('nginx', without('X-Original-URI')), 'forward-auth-target-missing');
  assert.equal(reason('nginx', without('X-Forwarded-Proto')), 'forward-auth-proto-missing');
  assert.equal(reason('nginx', without('X-Forwarded-For')), 'forward-auth-address-missing');
  assert.equal(reason('envoy', way), 'forward-auth-target-missing');
});

test('originalRequest() leaves the fields of another dialect to those who remove them: they are the client’s', () => {
  const head = original('nginx', [...told.original, ...way, 'X-Forwarded-Uri', '/health', 'X-Forwarded-Method', 'GET']);
  assert.deepEqual([head.method, head.target], ['POST', '/a?b=c']);
});

test('originalRequest() reads no alias of a field by which it is told', () => {
  const head = original('nginx', [...told.original, ...way, 'X_Original_URI', '/health', 'X.Original-Method', 'GET']);
  assert.deepEqual([head.method, head.target], ['POST', '/a?b=c']);
});

test('originalRequest() refuses forged fields for a proxy that cannot be told to remove them, and for no other', () => {
  for (const name of ['X-Authenticated-User', 'x_authenticated.user', 'Remote_User']) {
    assert.equal(reason('nginx', [...told.original, ...way, name, 'x']), 'forward-auth-forged-field', name);
    assert.equal(reason('traefik', [...told.forwarded, ...way, name, 'x']), 'forward-auth-forged-field', name);
    assert.equal(reason('haproxy', [...told.original, ...way, name, 'x']), 'read', name);
  }
});

test('originalRequest() makes a WebSocket handshake whole again, which proxies take apart', () => {
  const key = ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version', '13'];
  const get = told.forwarded.map((text) => (text === 'POST' ? 'GET' : text));
  const byKey = original('traefik', [...get, ...way, ...key]);
  assert.equal(byKey.upgrade, true);
  assert.deepEqual(fieldValues(byKey.fields, 'upgrade'), ['websocket']);
  const byWord = original('traefik', [...get, ...way, 'X-Original-Upgrade', 'WebSocket']);
  assert.deepEqual(fieldValues(byWord.fields, 'connection'), ['Upgrade']);
  assert.equal(original('traefik', [...get, ...way, 'X-Original-Upgrade', '']).upgrade, false);
});

test('originalRequest() takes a handshake over HTTP/2, which has no key, for one: it is refused as no whole one', () => {
  const read = original('envoy', [...way, 'sec-websocket-version', '13'], { target: '/auth/validate/live' });
  assert.equal(read.upgrade, true);
  assert.equal(checkRequest(read).kind, 'refused');
});

test("originalRequest() believes nothing of the proxy's own connection: neither certificates nor what is remembered there", () => {
  const head = original('nginx', [...told.original, ...way]);
  assert.equal(head.connection.certificateHash, undefined);
  assert.equal(head.connection.clientCertificate, undefined);
  assert.equal(head.connection.remoteAddress, '10.0.0.5');
  head.connection.memory.set('half-done', 1);
  assert.equal(head.connection.memory.get('half-done'), undefined);
});
