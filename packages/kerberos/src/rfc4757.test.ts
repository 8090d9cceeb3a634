import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { importKey } from './etypes.ts';
import { rc4 } from './rc4.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

// From MIT Kerberos, src/lib/crypto/crypto_tests/t_decrypt.c. Usage 3 is translated to Microsoft's 8.
const vectors = [
  [0, '', 'f81fec39255f5784e850c4377c88bd85', '02c1eb15586144122ec717763dd348bf00434ddc6585954c'],
  [1, '1', '67d1300d281223867f9647ff48721273', '6156e0cc04e0a0874f9fda008f498a7adbbc80b70b14dddbc0'],
  [
    2,
    '9 bytesss',
    '3e40ab6093695281b3ac1a9304224d98',
    '0f9ad121d99d4a09448e4f1f718c4f5cbe6096262c66f29df232a87c9f98755d55',
  ],
  [
    3,
    '13 bytes byte',
    '4ba2fbf0379faed87a254d3b353d5a7e',
    '612c57568b17a70352bae8cf26fb9459a6f3353cd35fd439db3107cbec765d326dfc04c1dd',
  ],
  [
    4,
    '30 bytes bytes bytes bytes byt',
    '68f263db3fce15d031c9eab02d67107a',
    '95f9047c3ad75891c2e9b04b16566dc8b6eb9ce4231afb2542ef87a7b5a0f260a99f0460508de0cecc632d07c354124e46c5d2234eb8',
  ],
] as const;

for (const [usage, text, key, cipher] of vectors) {
  test(`Rfc4757Key decrypts what MIT Kerberos encrypted: "${text}"`, () => {
    const plain = importKey(23, hex(key)).decrypt(usage, hex(cipher));
    assert.equal(plain && Buffer.from(plain).toString(), text);
  });
}

test('Rfc4757Key makes the checksum (RFC 4757, 4) that MIT Kerberos makes in t_cksums.c', () => {
  const key = importKey(23, hex('f7d3a155af5e238a0b7a871a96ba2ab2'));
  const checksum = key.checksum(6, Buffer.from('seventeen eighteen nineteen twenty'));
  assert.equal(Buffer.from(checksum).toString('hex'), 'eb38cc97e2230f59da4117dc5859d7ec');
});

test('Rfc4757Key gives undefined for a message without room for a confounder, even one with a good MAC', () => {
  const hmac = (key: Uint8Array, data: Uint8Array): Buffer => createHmac('md5', key).update(data).digest();
  const base = hex('f7d3a155af5e238a0b7a871a96ba2ab2');
  const usageKey = hmac(base, Uint8Array.of(2, 0, 0, 0));
  const sealed = (plain: Buffer): Buffer => {
    const mac = hmac(usageKey, plain);
    return Buffer.concat([mac, rc4(hmac(usageKey, mac), plain)]);
  };
  assert.equal(importKey(23, base).decrypt(2, sealed(Buffer.alloc(8)))?.length, 0);
  assert.equal(importKey(23, base).decrypt(2, sealed(Buffer.alloc(7))), undefined);
});
