import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { requestFields, responseFields, responseTrailers } from './message.ts';

const none = { kind: 'none' } as const;

test('requestFields() removes whatever frames or upgrades, in any spelling', () => {
  const fields = [
    'Host',
    'a',
    'content-LENGTH',
    '9',
    'Transfer-encoding',
    'x',
    'CONNECTION',
    'close',
    'Keep-Alive',
    '1',
    'uPGRADE',
    'h2c',
    'Trailer',
    'X',
  ];
  assert.deepEqual(requestFields(fields, none, 'GET', false), ['Host', 'a']);
});

test('requestFields() writes the framing that the request has', () => {
  assert.deepEqual(requestFields([], { kind: 'length', length: '7' }, 'PUT', false), ['Content-Length', '7']);
  assert.deepEqual(requestFields(['Trailer', 'X'], { kind: 'chunked' }, 'GET', false), [
    'Trailer',
    'X',
    'Transfer-Encoding',
    'chunked',
  ]);
});

test('requestFields() says that a POST has no content, and leaves a GET without a length', () => {
  assert.deepEqual(requestFields([], none, 'POST', false), ['Content-Length', '0']);
  assert.deepEqual(requestFields([], none, 'GET', false), []);
});

test('requestFields() asks for websocket alone', () => {
  assert.deepEqual(requestFields(['Upgrade', 'h2c, websocket'], none, 'GET', true), [
    'Connection',
    'Upgrade',
    'Upgrade',
    'websocket',
  ]);
});

test('responseFields() never lets Connection take away what delimits or describes the content', () => {
  const fields = ['Connection', 'Content-Length, X, set-cookie', 'Content-Length', '3', 'X', '1', 'Set-Cookie', 'a=1'];
  assert.deepEqual(responseFields(fields, { chunked: false, status: 200 }), [
    'Set-Cookie',
    'a=1',
    'Content-Length',
    '3',
  ]);
});

test('responseFields() sends no length with 204 and none with 1xx', () => {
  for (const status of [103, 204])
    assert.deepEqual(responseFields(['Content-Length', '0'], { chunked: false, status }), []);
});

test('responseFields() keeps Trailer only where trailers can follow', () => {
  assert.deepEqual(responseFields(['Trailer', 'X'], { chunked: true, status: 200 }), ['Trailer', 'X']);
  assert.deepEqual(responseFields(['Trailer', 'X'], { chunked: false, status: 200 }), []);
});

test('responseFields() keeps every other field, in order', () => {
  const name = fc.stringMatching(/^x-[a-z]{1,8}$/);
  const value = fc.stringMatching(/^[ -~]{0,8}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
      const fields = pairs.flat();
      assert.deepEqual(responseFields([...fields, 'Keep-Alive', '1'], { chunked: false, status: 200 }), fields);
    }),
  );
});

test('responseTrailers() lets no field pass that belongs into a head', () => {
  assert.deepEqual(responseTrailers(['Set-Cookie', 'a=1', 'Grpc-Status', '0', 'Content-Length', '1']), [
    'Grpc-Status',
    '0',
  ]);
});
