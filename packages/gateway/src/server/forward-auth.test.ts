import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareFields } from '@cardea/http1';
import type { Forward, Reply, RequestHead } from '../wire/http.ts';
import { dialects } from '../wire/forward-auth-question.ts';
import { judgementOf } from './forward-auth.ts';
import { answerOf } from './forward-auth-answer.ts';

const original: RequestHead = {
  method: 'GET',
  target: '/a',
  fields: ['Host', 'desk.corp.example', 'x-authenticated-user', 'admin', 'X_Odd', '1', 'Cookie', 'a=b; cardea=c'],
  connection: { remoteAddress: '10.0.0.5', tls: false, certificateHash: undefined, memory: new Map() },
  upgrade: false,
};
const misrouted = (): Reply => ({ status: 404, fields: [], body: 'misrouted' });
const forward: Forward = {
  kind: 'forward',
  upstream: { origin: 'http://127.0.0.1:1', ca: undefined, connectTimeoutMs: 1, responseTimeoutMs: 1 },
  target: '/a',
  prepared: [
    prepareFields(['Host', 'desk.corp.example', 'Cookie', 'a=b', 'X-Forwarded-For', '192.0.2.7']),
    prepareFields(['X-Authenticated-User', 'CORP\\alice']),
  ],
  fields: ['X-Request-Id', '1'],
  responseFields: [],
};

test('judgementOf() gives what the app would get from our own proxy, and names what it would not', () => {
  const judgement = judgementOf(forward, original, misrouted);
  assert.ok(judgement.allow);
  assert.deepEqual(judgement.identityFields, ['X-Authenticated-User', 'CORP\\alice', 'X-Request-Id', '1']);
  assert.deepEqual(judgement.clientFields, ['Cookie', 'a=b', 'X-Forwarded-For', '192.0.2.7']);
  // The plain name is set anew: a proxy that removes last would take it away again.
  assert.deepEqual(judgement.removed(), ['X_Odd']);
});

test('judgementOf() never makes a yes of an answer of ours, whatever its status', () => {
  for (const status of [200, 204, 299]) {
    const judgement = judgementOf({ kind: 'reply', reply: { status, fields: [], body: '' } }, original, misrouted);
    for (const dialect of Object.values(dialects))
      assert.equal(Math.floor(answerOf(judgement, original, dialect, '/auth').status / 100), 4, dialect.name);
  }
});

test('judgementOf() sends nobody to one of our endpoints by way of a question', () => {
  const endpoint = { kind: 'endpoint', maxBody: 1, handle: () => Promise.resolve(new Response()) } as const;
  const judgement = judgementOf(endpoint, original, misrouted);
  assert.deepEqual(judgement, { allow: false, reply: misrouted() });
});

test('answerOf() gives nginx 401 and 403 alone, with the status that was meant', () => {
  const answer = (status: number, fields: readonly string[] = []): readonly unknown[] => {
    const reply = answerOf({ allow: false, reply: { status, fields, body: 'x' } }, original, dialects.nginx, '/auth');
    return [reply.status, reply.fields[reply.fields.indexOf('X-Cardea-Status') + 1], reply.body];
  };
  assert.deepEqual(answer(401), [401, '401', '']);
  assert.deepEqual(answer(303, ['Location', '/unauthorized']), [401, '303', '']);
  for (const status of [400, 403, 404, 405, 426, 429, 501, 503])
    assert.deepEqual(answer(status), [403, String(status), '']);
});
