import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endToEndFields } from './hop-by-hop.ts';

const plain = { upgrade: false };

test('endToEndFields() keeps order, spelling and duplicates of what goes on', () => {
  const fields = [
    'hOST',
    'h',
    'Accept',
    'a',
    'X_Y',
    '1',
    'accept',
    'b',
    'Content-Length',
    '3',
    'Expect',
    '100-continue',
  ];
  assert.deepEqual(endToEndFields(fields, plain), { kind: 'ok', fields });
});

const ends = [
  'Connection',
  'Keep-Alive',
  'Proxy-Connection',
  'Proxy-Authorization',
  'Proxy-Authenticate',
  'Proxy',
  'TE',
  'Transfer-Encoding',
  'Upgrade',
  'HTTP2-Settings',
  'proxy_authorization',
];
for (const name of ends) {
  test(`endToEndFields() removes ${name}`, () => {
    assert.deepEqual(endToEndFields(['Host', 'h', name, 'x'], plain), { kind: 'ok', fields: ['Host', 'h'] });
  });
}

test('endToEndFields() removes what Connection names, in any field, spelling and position', () => {
  const fields = [
    'X-Hop',
    '1',
    'Connection',
    'keep-alive, x-hop',
    'x_hop',
    '2',
    'X-Other',
    '3',
    'Connection',
    'X-Third',
    'x-third',
    '4',
  ];
  assert.deepEqual(endToEndFields(fields, plain), { kind: 'ok', fields: ['X-Other', '3'] });
});

const essential = [
  'Host',
  'content-length',
  'Cookie',
  'AUTHORIZATION',
  'transfer-encoding',
  'Origin',
  'Sec-Fetch-Site',
  'X-Forwarded-For',
  'sec-websocket-key',
  'Content_Length',
];
for (const name of essential) {
  test(`endToEndFields() refuses a Connection that names ${name}`, () => {
    assert.deepEqual(endToEndFields(['Connection', `close, ${name}`, name, 'x'], plain), {
      kind: 'refused',
      reason: 'connection-names-essential-field',
    });
  });
}

test('endToEndFields() refuses a Connection that is no list of tokens', () => {
  assert.deepEqual(endToEndFields(['Connection', 'close; x'], plain), {
    kind: 'refused',
    reason: 'connection-malformed',
  });
});

test('endToEndFields() keeps the wish for trailers, and that alone, of TE', () => {
  const result = endToEndFields(['Connection', 'TE', 'TE', 'gzip;q=0.5, Trailers', 'Trailer', 'X-Sum'], plain);
  assert.deepEqual(result, { kind: 'ok', fields: ['Trailer', 'X-Sum', 'TE', 'trailers'] });
});

test('endToEndFields() drops the wish for another protocol', () => {
  const fields = [
    'Connection',
    'Upgrade, HTTP2-Settings',
    'Upgrade',
    'h2c',
    'HTTP2-Settings',
    'AAMAAABk',
    'Accept',
    '*/*',
  ];
  assert.deepEqual(endToEndFields(fields, plain), { kind: 'ok', fields: ['Accept', '*/*'] });
});

test('endToEndFields() asks for exactly websocket on an upgrade, and leaves the handshake untouched', () => {
  const handshake = [
    'Sec-WebSocket-Key',
    'k',
    'Sec-WebSocket-Protocol',
    'a, b',
    'Sec-WebSocket-Extensions',
    'permessage-deflate',
  ];
  const fields = ['Connection', 'keep-alive, Upgrade', 'Upgrade', 'WebSocket', ...handshake];
  assert.deepEqual(endToEndFields(fields, { upgrade: true }), {
    kind: 'ok',
    fields: [...handshake, 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
  });
});

test('endToEndFields() leaves what frames the content in its place where it is to be sent as it was received', () => {
  const fields = [
    'Transfer-Encoding',
    'chunked',
    'Connection',
    'Upgrade, X-Hop',
    'X-Hop',
    '1',
    'Upgrade',
    'websocket',
    'A',
    '1',
  ];
  assert.deepEqual(endToEndFields(fields, { upgrade: true, framed: true }), {
    kind: 'ok',
    fields: ['Transfer-Encoding', 'chunked', 'A', '1'],
  });
});
