import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Fields } from './fields.ts';
import type { BodyFraming } from './framing.ts';
import type { StatusLine } from './head.ts';
import {
  checkTrailers,
  endpointHead,
  interimHead,
  type OutgoingRequest,
  type OutgoingResponse,
  replyHead,
  requestHead,
  responseHead,
  switchingHead,
  withFields,
} from './outgoing-head.ts';
import { prepareAsReceived, prepareFields } from './prepared-fields.ts';

const DATE = 'Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n';

const request = (fields: Fields, rest: Partial<OutgoingRequest> = {}): string =>
  requestHead({
    method: 'GET',
    target: '/',
    fields,
    body: { kind: 'none' },
    upgrade: false,
    expectContinue: false,
    ...rest,
  });

const answer = (status: number, fields: Fields, rest: Partial<OutgoingResponse> = {}): string => {
  const body: BodyFraming = { kind: 'none' };
  const head: StatusLine = { status, reason: 'R', minor: 1, fields, body, keepAlive: true };
  return responseHead({ head, framing: 'as-received', close: false, date: DATE, ...rest });
};

test('requestHead() leaves out whatever frames or upgrades, in any spelling', () => {
  const fields = ['content-LENGTH', '9', 'Transfer-encoding', 'x', 'CONNECTION', 'close', 'Keep-Alive', '1'];
  const more = ['uPGRADE', 'h2c', 'Trailer', 'X', 'EXPECT', '100-continue'];
  assert.equal(request(['Host', 'a', ...fields, ...more]), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
});

test('requestHead() writes the framing that the request has', () => {
  assert.match(
    request([], { method: 'PUT', body: { kind: 'length', length: 7 } }),
    /^PUT [^]*\r\nContent-Length: 7\r\n/,
  );
  assert.match(
    request(['Trailer', 'X'], { body: { kind: 'chunked' } }),
    /\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n$/,
  );
});

test('requestHead() says that a POST has no content, and leaves a GET without a length', () => {
  assert.equal(request([], { method: 'POST' }), 'POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n');
  assert.equal(request([]), 'GET / HTTP/1.1\r\n\r\n');
});

test('requestHead() asks for websocket alone', () => {
  assert.equal(
    request(['Upgrade', 'h2c, websocket'], { upgrade: true }),
    'GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  );
});

test('requestHead() passes Expect on for a client that waits', () => {
  assert.match(request(['Expect', '100-continue'], { expectContinue: true }), /\r\nExpect: 100-continue\r\n/);
});

for (const [what, fields] of [
  ['a line feed in a value', ['X', 'a\nb']],
  ['a carriage return in a value', ['X', 'a\rb']],
  ['a NUL in a value', ['X', 'a\0b']],
  ['a character that latin1 would cut to a line feed', ['X', 'aĊb']],
  ['a colon in a name', ['X: 1', '']],
  ['an empty name', ['', 'x']],
] as const) {
  test(`requestHead() and withFields() refuse to write ${what}`, () => {
    assert.throws(() => request(fields), TypeError);
    assert.throws(() => withFields(answer(200, []), fields), TypeError);
    assert.throws(() => replyHead({ status: 200, fields }, 0, ''), TypeError);
    assert.throws(() => switchingHead([], fields), TypeError);
    assert.throws(() => checkTrailers(fields), TypeError);
  });
}

test('requestHead() refuses a target that would be two words, or none', () => {
  for (const target of ['/a b', '/a\r\nX: 1', '', '/\u010a']) assert.throws(() => request([], { target }), TypeError);
});

test('requestHead() puts every field of the verdict on a line of its own, in order', () => {
  const name = fc.stringMatching(/^x-[a-z]{1,8}$/);
  const value = fc.stringMatching(/^[ -~]{0,8}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
      const lines = pairs.map(([key, text]) => `${key}: ${text}\r\n`);
      assert.equal(request(pairs.flat()), `GET / HTTP/1.1\r\n${lines.join('')}\r\n`);
      assert.equal(answer(200, pairs.flat()), `HTTP/1.1 200 R\r\n${lines.join('')}${DATE}\r\n`);
    }),
  );
});

test('responseHead() never lets Connection take away what delimits or describes the content', () => {
  const fields = ['Connection', 'Content-Length, X, set-cookie', 'X', '1', 'Set-Cookie', 'a=1', 'Content-Length', '3'];
  assert.equal(answer(200, fields), `HTTP/1.1 200 R\r\nSet-Cookie: a=1\r\nContent-Length: 3\r\n${DATE}\r\n`);
});

test('responseHead() and interimHead() send no length with 204 and 1xx', () => {
  assert.equal(answer(204, ['Content-Length', '0']), `HTTP/1.1 204 R\r\n${DATE}\r\n`);
  assert.equal(interimHead(103, ['Content-Length', '0']), 'HTTP/1.1 103 Early Hints\r\n\r\n');
});

test('responseHead() keeps Trailer only where trailers can follow', () => {
  assert.match(answer(200, ['Trailer', 'X'], { framing: 'chunked' }), /Trailer: X\r\n[^]*Transfer-Encoding: chunked/);
  assert.doesNotMatch(answer(200, ['Trailer', 'X']), /Trailer/);
});

test('responseHead() adds a date only where the upstream gave none', () => {
  assert.equal(answer(200, ['dATE', 'x']), 'HTTP/1.1 200 R\r\ndATE: x\r\n\r\n');
});

test('switchingHead() writes the upgrade itself and keeps what was agreed', () => {
  assert.equal(
    switchingHead(['Upgrade', 'h2c', 'connection', 'upgrade, X', 'X', '1', 'Sec-WebSocket-Accept', 'k='], ['Y', '2']),
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: k=\r\nY: 2\r\n\r\n',
  );
});

test('replyHead() refuses a status that is no final one', () => {
  for (const status of [101, 199, 600, 200.5, Number.NaN])
    assert.throws(() => replyHead({ status, fields: [] }, 0, ''), TypeError);
});

test('endpointHead() believes no length beside content', () => {
  const fields = ['Content-Length', '5', 'Transfer-Encoding', 'gzip', 'X', '1'];
  const parts = { method: 'GET', status: 200, fields, close: false, date: DATE };
  assert.equal(
    endpointHead({ ...parts, framing: 'chunked' }),
    `HTTP/1.1 200 OK\r\nX: 1\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n`,
  );
  assert.equal(
    endpointHead({ ...parts, framing: 'empty' }),
    `HTTP/1.1 200 OK\r\nX: 1\r\n${DATE}Content-Length: 0\r\n\r\n`,
  );
  assert.match(endpointHead({ ...parts, method: 'HEAD', framing: 'empty' }), /\r\nContent-Length: 5\r\n/);
});

test('requestHead() sends fields as they were received only with the content that they frame', () => {
  const usual = { method: 'POST', target: '/', fields: [], upgrade: false, expectContinue: false, asReceived: true };
  const three = prepareAsReceived(['Content-Length', '3', 'A', '1']);
  const head = requestHead({ ...usual, prepared: [three], body: { kind: 'length', length: 3 } });
  assert.equal(head, 'POST / HTTP/1.1\r\nContent-Length: 3\r\nA: 1\r\n\r\n');
  for (const body of [{ kind: 'length', length: 4 }, { kind: 'none' }, { kind: 'chunked' }] as const)
    assert.throws(() => requestHead({ ...usual, prepared: [three], body }), TypeError);
  for (const prepared of [[], [three, three], [prepareFields(['A', '1'])]])
    assert.throws(() => requestHead({ ...usual, prepared, body: { kind: 'length', length: 3 } }), TypeError);
});

test('withFields() puts fields behind the first line of a head, and leaves the rest as it is', () => {
  assert.equal(
    withFields('HTTP/1.1 200 OK\r\nA: 1\r\n\r\n', ['B', '2', 'C', '3']),
    'HTTP/1.1 200 OK\r\nB: 2\r\nC: 3\r\nA: 1\r\n\r\n',
  );
});
