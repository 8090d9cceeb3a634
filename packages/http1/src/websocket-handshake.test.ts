import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUpgrade, websocketHandshake } from './websocket-handshake.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const whole = {
  Connection: 'keep-alive, Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Key': key,
  'Sec-WebSocket-Version': '13',
};
const withChange = (change: Record<string, string | undefined>): string[] =>
  Object.entries({ ...whole, ...change }).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));

test('websocketHandshake() recognises the handshake of RFC 6455', () => {
  assert.deepEqual(websocketHandshake('GET', withChange({})), { kind: 'websocket' });
});

test('websocketHandshake() folds the case of both names', () => {
  assert.deepEqual(websocketHandshake('GET', withChange({ Connection: 'UPGRADE', Upgrade: 'WebSocket' })), {
    kind: 'websocket',
  });
});

test('websocketHandshake() sees none in an ordinary request', () => {
  assert.deepEqual(websocketHandshake('GET', ['Connection', 'keep-alive']), { kind: 'none' });
});

test('websocketHandshake() sees none in the wish for another protocol', () => {
  assert.deepEqual(websocketHandshake('GET', withChange({ Upgrade: 'h2c' })), { kind: 'none' });
});

const halves = [
  ['POST', {}, 'websocket-not-get', 400],
  ['GET', { Connection: 'keep-alive' }, 'websocket-without-connection-upgrade', 400],
  ['GET', { Connection: undefined }, 'websocket-without-connection-upgrade', 400],
  ['GET', { Upgrade: 'h2c, websocket' }, 'websocket-beside-other-protocols', 400],
  ['GET', { upgrade: 'h2c' }, 'websocket-beside-other-protocols', 400],
  ['GET', { 'Sec-WebSocket-Key': undefined }, 'websocket-key-malformed', 400],
  ['GET', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZR==' }, 'websocket-key-malformed', 400],
  ['GET', { 'Sec-WebSocket-Key': 'c2hvcnQ=' }, 'websocket-key-malformed', 400],
  ['GET', { 'sec-websocket-key': key }, 'websocket-key-malformed', 400],
  ['GET', { 'Sec-WebSocket-Version': undefined }, 'websocket-version', 426],
  ['GET', { 'Sec-WebSocket-Version': '8' }, 'websocket-version', 426],
  ['GET', { 'Content-Length': '5' }, 'websocket-with-body', 400],
  ['GET', { 'Transfer-Encoding': 'chunked' }, 'websocket-with-body', 400],
] as const;

for (const [method, change, reason, status] of halves) {
  test(`websocketHandshake() refuses half a handshake: ${method} ${JSON.stringify(change)}`, () => {
    assert.deepEqual(websocketHandshake(method, withChange(change)), { kind: 'refused', status, reason });
  });
}

test('isUpgrade() is true for a whole handshake alone', () => {
  assert.equal(isUpgrade(withChange({}), 'GET'), true);
  assert.equal(isUpgrade(withChange({ 'Sec-WebSocket-Key': undefined }), 'GET'), false);
});
