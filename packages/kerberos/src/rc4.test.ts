import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rc4 } from './rc4.ts';

// The first 16 bytes of the key stream, RFC 6229, 2.
const streams = [
  ['0102030405', 'b2396305f03dc027ccc3524a0a1118a8'],
  ['01020304050607', '293f02d47f37c9b633f2af5285feb46b'],
  ['0102030405060708090a0b0c0d0e0f10', '9ac7cc9a609d1ef7b2932899cde41b97'],
] as const;

for (const [key, stream] of streams) {
  test(`rc4() agrees with RFC 6229 for a key of ${key.length * 4} bits`, () => {
    assert.equal(Buffer.from(rc4(Buffer.from(key, 'hex'), new Uint8Array(16))).toString('hex'), stream);
  });
}

test('rc4() is its own inverse', () => {
  const key = Buffer.from('some key');
  const data = Buffer.from('text of a length that is no power of two');
  assert.deepEqual(Buffer.from(rc4(key, rc4(key, data))), data);
});
