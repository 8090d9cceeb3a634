import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptOf, clientFrame, countMessages, eventChunk, serverFrame } from './relay-bytes.ts';

for (const [what, message] of Object.entries({ eventChunk, serverFrame, clientFrame })) {
  test(`countMessages() counts ${what} as one`, () => assert.equal(countMessages(message), 1));
  test(`countMessages() counts ${what} once however it is cut`, () => {
    for (let cut = 0; cut <= message.length; cut++)
      assert.equal(countMessages(message.subarray(0, cut)) + countMessages(message.subarray(cut)), 1);
  });
}

test('countMessages() counts each of several messages in one packet', () =>
  assert.equal(countMessages(Buffer.concat([serverFrame, serverFrame, serverFrame])), 3));

test('clientFrame is masked, as every message of a client is, and serverFrame is not', () => {
  assert.equal((clientFrame[1] ?? 0) & 0x80, 0x80);
  assert.equal((serverFrame[1] ?? 0) & 0x80, 0);
});

test('serverFrame and clientFrame tell their length in one byte', () => {
  assert.equal(serverFrame.length, 2 + (serverFrame[1] ?? 0));
  assert.equal(clientFrame.length, 6 + ((clientFrame[1] ?? 0) & 0x7f));
  assert.ok((serverFrame[1] ?? 0) < 126);
});

test('eventChunk tells its length', () =>
  assert.match(eventChunk.toString('latin1'), new RegExp(`^${(eventChunk.length - 6).toString(16)}\\r\\n[^]*\\r\\n$`)));

test('acceptOf() answers the key of RFC 6455 as the RFC says', () =>
  assert.equal(acceptOf('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='));
