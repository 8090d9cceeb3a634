/**
 * The encryption types: one row each. Everybody else holds a `Key` and never asks which type it is of.
 *
 * @module
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Key, KeyProfile } from './key.ts';
import { ChecksumType, Etype } from './numbers.ts';
import { Rfc3962Key, rfc3962StringToKey } from './rfc3962.ts';
import { Rfc4757Key } from './rfc4757.ts';
import { Rfc8009Key, rfc8009StringToKey } from './rfc8009.ts';

export type { Key } from './key.ts';

interface EncryptionType extends KeyProfile {
  readonly import: new (profile: KeyProfile, bytes: Uint8Array) => Key;
  readonly stringToKey?: (profile: KeyProfile, password: string, salt: Uint8Array, iterations?: number) => Uint8Array;
}

const encryptionTypes: readonly EncryptionType[] = [
  {
    etype: Etype.aes256CtsHmacSha196,
    name: 'aes256-cts-hmac-sha1-96',
    keyBytes: 32,
    checksumType: ChecksumType.hmacSha196Aes256,
    checksumBytes: 12,
    import: Rfc3962Key,
    stringToKey: rfc3962StringToKey,
  },
  {
    etype: Etype.aes128CtsHmacSha196,
    name: 'aes128-cts-hmac-sha1-96',
    keyBytes: 16,
    checksumType: ChecksumType.hmacSha196Aes128,
    checksumBytes: 12,
    import: Rfc3962Key,
    stringToKey: rfc3962StringToKey,
  },
  {
    etype: Etype.aes256CtsHmacSha384192,
    name: 'aes256-cts-hmac-sha384-192',
    keyBytes: 32,
    checksumType: ChecksumType.hmacSha384192Aes256,
    checksumBytes: 24,
    import: Rfc8009Key,
    stringToKey: rfc8009StringToKey,
  },
  {
    etype: Etype.aes128CtsHmacSha256128,
    name: 'aes128-cts-hmac-sha256-128',
    keyBytes: 16,
    checksumType: ChecksumType.hmacSha256128Aes128,
    checksumBytes: 16,
    import: Rfc8009Key,
    stringToKey: rfc8009StringToKey,
  },
  {
    etype: Etype.rc4Hmac,
    name: 'rc4-hmac',
    keyBytes: 16,
    checksumType: ChecksumType.hmacMd5,
    checksumBytes: 16,
    import: Rfc4757Key,
  },
];

const byNumber = new Map(encryptionTypes.map((type) => [type.etype, type]));

/** Types that are only ever named, in messages to the administrator (IANA "Kerberos Encryption Type Numbers"). */
const otherNames = new Map([
  [1, 'des-cbc-crc'],
  [2, 'des-cbc-md4'],
  [3, 'des-cbc-md5'],
  [16, 'des3-cbc-sha1-kd'],
  [24, 'rc4-hmac-exp'],
  [25, 'camellia128-cts-cmac'],
  [26, 'camellia256-cts-cmac'],
]);

/** Makes a key from its bytes, which are copied. Throws `RangeError` for a type that is unknown here or a wrong length. */
export function importKey(etype: number, bytes: Uint8Array): Key {
  const type = supported(etype);
  if (bytes.length !== type.keyBytes) {
    throw new RangeError(`Cannot import a key: ${type.name} has ${type.keyBytes} bytes, not ${bytes.length}`);
  }
  return new type.import(type, bytes);
}

/** The bytes of a new random key, for sub-keys and tests; `importKey` makes a `Key` of them. */
export function generateKey(etype: number): Uint8Array {
  return randomBytes(supported(etype).keyBytes);
}

/**
 * The bytes of the key that belongs to a password (RFC 3962, 4; RFC 8009, 4). `params` is the KDC's s2kparams: an
 * iteration count in four bytes, most significant first. Throws `RangeError` for rc4-hmac, which would need MD4.
 */
export function stringToKey(
  etype: number,
  password: string,
  salt: string | Uint8Array,
  params?: Uint8Array,
): Uint8Array {
  const type = supported(etype);
  if (type.stringToKey === undefined) throw new RangeError(`Cannot derive a key from a password: ${type.name}`);
  const saltBytes = typeof salt === 'string' ? Buffer.from(salt, 'utf8') : salt;
  return type.stringToKey(type, password, saltBytes, params && readIterations(params));
}

/** The name by which administrators know the type, also for types that are not spoken here. */
export function etypeName(etype: number): string {
  return byNumber.get(etype)?.name ?? otherNames.get(etype) ?? `encryption type ${etype}`;
}

/** How long a key of this type is, or `undefined` for a type that is not spoken here. */
export function keyBytes(etype: number): number | undefined {
  return byNumber.get(etype)?.keyBytes;
}

/** Whether `importKey` makes keys of this type. rc4-hmac is one of them: refusing it is the acceptor's decision. */
export function isSupportedEtype(etype: number): boolean {
  return byNumber.has(etype);
}

/** Whether `expected` is the key's checksum over `data`, compared in constant time. */
export function verifyChecksum(key: Key, usage: number, data: Uint8Array, expected: Uint8Array): boolean {
  return expected.length === key.checksumBytes && timingSafeEqual(key.checksum(usage, data), expected);
}

function supported(etype: number): EncryptionType {
  const type = byNumber.get(etype);
  if (type === undefined) throw new RangeError(`Cannot use a key: ${etypeName(etype)} is not supported`);
  return type;
}

function readIterations(params: Uint8Array): number {
  if (params.length !== 4) throw new RangeError(`Cannot read s2kparams: 4 bytes expected, not ${params.length}`);
  const iterations = Buffer.from(params).readUInt32BE();
  if (iterations === 0) throw new RangeError('Cannot read s2kparams: an iteration count of 2^32 is not supported');
  return iterations;
}
