import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeDisplayUtf16, decodeUtf16, encodeUtf16 } from './utf16.ts';

test('decodeUtf16() gives back what encodeUtf16() wrote, beyond the basic plane too', () => {
  for (const text of ['', 'alice', 'Zoë', '山田', 'a😀b', '\ufeffbom'])
    assert.equal(decodeUtf16(encodeUtf16(text)), text);
});

test('decodeUtf16() reads a view inside a larger buffer', () => {
  assert.equal(decodeUtf16(Uint8Array.of(9, 0x61, 0, 9).subarray(1, 3)), 'a');
});

test('decodeUtf16() refuses an odd length', () => assert.equal(decodeUtf16(Uint8Array.of(0x61)), undefined));

test('decodeUtf16() refuses a lone surrogate', () => {
  assert.equal(decodeUtf16(Uint8Array.of(0x3d, 0xd8)), undefined);
  assert.equal(decodeUtf16(Uint8Array.of(0x00, 0xde, 0x61, 0x00)), undefined);
});

test('decodeDisplayUtf16() puts U+FFFD in the place of a lone surrogate', () => {
  assert.equal(decodeDisplayUtf16(Uint8Array.of(0x61, 0, 0x3d, 0xd8)), 'a\ufffd');
  assert.equal(decodeDisplayUtf16(encodeUtf16('a😀b')), 'a😀b');
});
