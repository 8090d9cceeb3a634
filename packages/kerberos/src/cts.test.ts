import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ctsDecrypt, ctsEncrypt } from './cts.ts';

// RFC 3962, appendix B, "CBC with ciphertext stealing": one key, and ever more of one sentence.
const key = Buffer.from('636869636b656e207465726979616b69', 'hex');
const sentence = Buffer.from("I would like the General Gau's Chicken, please, and wonton soup.");
const vectors = [
  [17, 'c6353568f2bf8cb4d8a580362da7ff7f97'],
  [31, 'fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5'],
  [32, '39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584'],
  [47, '97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5'],
  [48, '97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8'],
  [
    64,
    '97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a84807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8',
  ],
] as const;

for (const [length, cipher] of vectors) {
  const plain = sentence.subarray(0, length);
  test(`ctsEncrypt() agrees with RFC 3962, B, for ${length} bytes`, () => {
    assert.equal(Buffer.from(ctsEncrypt(key, plain)).toString('hex'), cipher);
  });
  test(`ctsDecrypt() agrees with RFC 3962, B, for ${length} bytes`, () => {
    assert.equal(Buffer.from(ctsDecrypt(key, Buffer.from(cipher, 'hex'))).toString(), plain.toString());
  });
}

test('ctsDecrypt() undoes ctsEncrypt() for every length from one block on, with both key sizes', () => {
  for (const keyBytes of [16, 32]) {
    const randomKey = randomBytes(keyBytes);
    for (let length = 16; length <= 100; length++) {
      const plain = randomBytes(length);
      assert.deepEqual(Buffer.from(ctsDecrypt(randomKey, ctsEncrypt(randomKey, plain))), plain, `${length} bytes`);
    }
  }
});

test('ctsDecrypt() leaves its input as it was', () => {
  const cipher = randomBytes(53);
  const before = Buffer.from(cipher);
  ctsDecrypt(key, cipher);
  assert.deepEqual(cipher, before);
});
