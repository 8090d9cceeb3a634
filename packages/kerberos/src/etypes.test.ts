import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import {
  etypeName,
  generateKey,
  importKey,
  isSupportedEtype,
  keyBytes,
  stringToKey,
  verifyChecksum,
} from './etypes.ts';
import { ChecksumType, Etype, KeyUsage } from './numbers.ts';

// What every encryption type has to do, and the bytes that it adds to a message (confounder and MAC).
const contract = [
  [Etype.aes128CtsHmacSha196, 'aes128-cts-hmac-sha1-96', 16, 28, ChecksumType.hmacSha196Aes128, 12],
  [Etype.aes256CtsHmacSha196, 'aes256-cts-hmac-sha1-96', 32, 28, ChecksumType.hmacSha196Aes256, 12],
  [Etype.aes128CtsHmacSha256128, 'aes128-cts-hmac-sha256-128', 16, 32, ChecksumType.hmacSha256128Aes128, 16],
  [Etype.aes256CtsHmacSha384192, 'aes256-cts-hmac-sha384-192', 32, 40, ChecksumType.hmacSha384192Aes256, 24],
  [Etype.rc4Hmac, 'rc4-hmac', 16, 24, ChecksumType.hmacMd5, 16],
] as const;

for (const [etype, name, size, overhead, checksumType, checksumBytes] of contract) {
  const bytes = generateKey(etype);
  const key = importKey(etype, bytes);

  test(`${name}: the numbers and sizes are those of its RFC`, () => {
    assert.equal(etypeName(etype), name);
    assert.equal(isSupportedEtype(etype), true);
    assert.equal(keyBytes(etype), size);
    assert.equal(bytes.length, size);
    assert.deepEqual([key.etype, key.checksumType, key.checksumBytes], [etype, checksumType, checksumBytes]);
    assert.equal(key.checksum(1, new Uint8Array(0)).length, checksumBytes);
    assert.equal(key.encrypt(1, new Uint8Array(10)).length, 10 + overhead);
  });

  test(`${name}: decrypt() undoes encrypt() for every length up to 70 bytes`, () => {
    for (let length = 0; length <= 70; length++) {
      const plain = randomBytes(length);
      const opened = key.decrypt(KeyUsage.ticket, key.encrypt(KeyUsage.ticket, plain));
      assert.deepEqual(opened && Buffer.from(opened), plain);
    }
  });

  test(`${name}: encrypt() never gives the same bytes twice`, () => {
    const plain = Buffer.from('the same plaintext');
    assert.notDeepEqual(key.encrypt(KeyUsage.ticket, plain), key.encrypt(KeyUsage.ticket, plain));
  });

  test(`${name}: decrypt() gives undefined for any altered bit`, () => {
    const cipher = key.encrypt(KeyUsage.ticket, randomBytes(37));
    for (let bit = 0; bit < cipher.length * 8; bit++) {
      const altered = Uint8Array.from(cipher);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(key.decrypt(KeyUsage.ticket, altered), undefined, `bit ${bit}`);
    }
  });

  test(`${name}: decrypt() gives undefined for any shorter or longer input`, () => {
    const cipher = key.encrypt(KeyUsage.ticket, randomBytes(37));
    for (let length = 0; length < cipher.length; length++)
      assert.equal(key.decrypt(KeyUsage.ticket, cipher.subarray(0, length)), undefined, `${length} bytes`);
    assert.equal(key.decrypt(KeyUsage.ticket, Buffer.concat([cipher, Uint8Array.of(0)])), undefined);
  });

  test(`${name}: decrypt() gives undefined under another usage or another key`, () => {
    const cipher = key.encrypt(KeyUsage.ticket, randomBytes(37));
    assert.equal(key.decrypt(KeyUsage.apReqAuthenticator, cipher), undefined);
    assert.equal(importKey(etype, generateKey(etype)).decrypt(KeyUsage.ticket, cipher), undefined);
  });

  test(`${name}: a Key keeps the derived keys of different usages apart`, () => {
    const used = importKey(etype, bytes);
    const usages = [2, 0, 11, 256, 2, 17, 0, 65536];
    for (const usage of usages) {
      const text = Buffer.from(`usage ${usage}`);
      const sealed = used.encrypt(usage, text);
      const opened = importKey(etype, bytes).decrypt(usage, sealed);
      assert.deepEqual(opened && Buffer.from(opened), text);
      assert.deepEqual(used.checksum(usage, text), importKey(etype, bytes).checksum(usage, text));
    }
  });

  test(`${name}: decrypt() leaves its input as it was`, () => {
    const cipher = key.encrypt(KeyUsage.ticket, randomBytes(37));
    const before = Uint8Array.from(cipher);
    key.decrypt(KeyUsage.ticket, cipher);
    assert.deepEqual(Uint8Array.from(cipher), before);
  });

  test(`${name}: verifyChecksum() takes only the key's own checksum, whole, for this usage and data`, () => {
    const data = Buffer.from('checked data');
    const checksum = key.checksum(KeyUsage.pacSignature, data);
    const altered = Uint8Array.from(checksum);
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
    assert.equal(verifyChecksum(key, KeyUsage.pacSignature, data, checksum), true);
    assert.equal(verifyChecksum(key, KeyUsage.pacSignature, data, altered), false);
    assert.equal(verifyChecksum(key, KeyUsage.pacSignature, data, checksum.subarray(1)), false);
    assert.equal(verifyChecksum(key, KeyUsage.pacSignature, data, new Uint8Array(0)), false);
    assert.equal(verifyChecksum(key, KeyUsage.ticket, data, checksum), false);
    assert.equal(verifyChecksum(key, KeyUsage.pacSignature, Buffer.from('other data'), checksum), false);
  });

  test(`${name}: importKey() refuses a key that is too short or too long`, () => {
    assert.throws(() => importKey(etype, bytes.subarray(1)), {
      name: 'RangeError',
      message: `Cannot import a key: ${name} has ${size} bytes, not ${size - 1}`,
    });
    assert.throws(() => importKey(etype, Buffer.concat([bytes, Uint8Array.of(0)])), RangeError);
  });

  test(`${name}: importKey() copies the bytes, so that wiping them does no harm`, () => {
    const wiped = Uint8Array.from(bytes);
    const imported = importKey(etype, wiped);
    wiped.fill(0);
    assert.notEqual(imported.decrypt(1, key.encrypt(1, Buffer.from('text'))), undefined);
  });

  test(`${name}: a Key that is printed or serialised does not show its bytes`, () => {
    key.encrypt(1, new Uint8Array(1));
    key.checksum(1, new Uint8Array(1));
    const shown = inspect(key, { showHidden: true, depth: 9 }) + JSON.stringify(key);
    assert.doesNotMatch(shown, /<|Uint8Array|Buffer|Map/);
  });
}

test('etypeName() names types that are not spoken here, and numbers that nobody knows', () => {
  assert.equal(etypeName(3), 'des-cbc-md5');
  assert.equal(etypeName(16), 'des3-cbc-sha1-kd');
  assert.equal(etypeName(4711), 'encryption type 4711');
  assert.equal(isSupportedEtype(3), false);
  assert.equal(keyBytes(3), undefined);
});

test('importKey() and generateKey() refuse a type that is not spoken here', () => {
  assert.throws(() => importKey(3, new Uint8Array(8)), {
    name: 'RangeError',
    message: 'Cannot use a key: des-cbc-md5 is not supported',
  });
  assert.throws(() => generateKey(0), RangeError);
});

test('stringToKey() agrees with ktutil of MIT Kerberos 1.20', () => {
  // addent -password -p HTTP/app.corp.example@CORP.EXAMPLE, password Secret1
  const keys = [
    [17, '8e3de43f86adb6e4ed3fe95cdefff0e1'],
    [18, 'cdbd855f950f29b9189f7431b24f11694607277b2b236fb5ed0d132a9d17a43a'],
    [20, '0b0be6cbcd0dce8abbbbe641e2f667b8b5e3df14feef886e5114ab356cd6bd60'],
  ] as const;
  for (const [etype, key] of keys) {
    const derived = stringToKey(etype, 'Secret1', 'CORP.EXAMPLEHTTPapp.corp.example');
    assert.equal(Buffer.from(derived).toString('hex'), key);
  }
});

test('stringToKey() refuses rc4-hmac, and parameters that are no iteration count', () => {
  assert.throws(() => stringToKey(23, 'password', 'salt'), {
    name: 'RangeError',
    message: 'Cannot derive a key from a password: rc4-hmac',
  });
  assert.throws(() => stringToKey(18, 'password', 'salt', Uint8Array.of(0, 0, 1)), RangeError);
  assert.throws(() => stringToKey(18, 'password', 'salt', Uint8Array.of(0, 0, 0, 0)), RangeError);
});
