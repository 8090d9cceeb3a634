/**
 * AES with HMAC-SHA2, encrypt-then-MAC (RFC 8009): encryption types 19 and 20.
 *
 * @module
 */
import { createHmac, pbkdf2Sync, randomFillSync, timingSafeEqual } from 'node:crypto';
import { ctsDecrypt, ctsEncrypt } from './cts.ts';
import type { Key, KeyProfile } from './key.ts';

const CONFOUNDER_BYTES = 16;
/** The MAC covers the cipher state in front of the ciphertext; for single messages it is all zero (RFC 8009, 5). */
const initialState = new Uint8Array(16);

/** The last byte of a derivation label: which of a usage's three keys it makes (RFC 8009, 5). */
const CHECKSUM = 0x99;
const ENCRYPTION = 0xaa;
const INTEGRITY = 0x55;

interface UsageKeys {
  readonly encryption: Uint8Array;
  readonly integrity: Uint8Array;
}

/** A key of etype 19 or 20: AES in CTS mode, then HMAC-SHA2 over the ciphertext (RFC 8009). */
export class Rfc8009Key implements Key {
  readonly etype: number;
  readonly checksumType: number;
  readonly checksumBytes: number;
  readonly #hash: string;
  readonly #base: Uint8Array;
  readonly #usageKeys = new Map<number, UsageKeys>();
  readonly #checksumKeys = new Map<number, Uint8Array>();

  constructor(profile: KeyProfile, bytes: Uint8Array) {
    this.etype = profile.etype;
    this.checksumType = profile.checksumType;
    this.checksumBytes = profile.checksumBytes;
    this.#hash = hashFor(profile);
    this.#base = Uint8Array.from(bytes);
  }

  decrypt(usage: number, cipher: Uint8Array): Uint8Array | undefined {
    const macAt = cipher.length - this.checksumBytes;
    if (macAt < CONFOUNDER_BYTES) return undefined;
    const keys = this.#keysFor(usage);
    const blocks = cipher.subarray(0, macAt);
    if (!timingSafeEqual(this.#mac(keys.integrity, initialState, blocks), cipher.subarray(macAt))) return undefined;
    return ctsDecrypt(keys.encryption, blocks).subarray(CONFOUNDER_BYTES);
  }

  encrypt(usage: number, plain: Uint8Array): Uint8Array {
    const keys = this.#keysFor(usage);
    const confounded = new Uint8Array(CONFOUNDER_BYTES + plain.length);
    randomFillSync(confounded, 0, CONFOUNDER_BYTES);
    confounded.set(plain, CONFOUNDER_BYTES);
    const blocks = ctsEncrypt(keys.encryption, confounded);
    return Buffer.concat([blocks, this.#mac(keys.integrity, initialState, blocks)]);
  }

  checksum(usage: number, data: Uint8Array): Uint8Array {
    let key = this.#checksumKeys.get(usage);
    if (key === undefined) {
      key = this.#derive(usage, CHECKSUM, this.checksumBytes);
      this.#checksumKeys.set(usage, key);
    }
    return this.#mac(key, data);
  }

  #keysFor(usage: number): UsageKeys {
    let keys = this.#usageKeys.get(usage);
    if (keys === undefined) {
      const encryption = this.#derive(usage, ENCRYPTION, this.#base.length);
      const integrity = this.#derive(usage, INTEGRITY, this.checksumBytes);
      keys = { encryption, integrity };
      this.#usageKeys.set(usage, keys);
    }
    return keys;
  }

  #derive(usage: number, kind: number, size: number): Uint8Array {
    return kdfHmacSha2(
      this.#hash,
      this.#base,
      Uint8Array.of(usage >>> 24, usage >>> 16, usage >>> 8, usage, kind),
      size,
    );
  }

  #mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
    const hmac = createHmac(this.#hash, key);
    for (const part of parts) hmac.update(part);
    return hmac.digest().subarray(0, this.checksumBytes);
  }
}

/** string-to-key (RFC 8009, 4): `iterations` is 32768 unless the KDC says otherwise. */
export function rfc8009StringToKey(
  profile: KeyProfile,
  password: string,
  salt: Uint8Array,
  iterations = 32768,
): Uint8Array {
  const hash = hashFor(profile);
  const namedSalt = Buffer.concat([Buffer.from(`${profile.name}\0`), salt]);
  const temporary = pbkdf2Sync(password, namedSalt, iterations, profile.keyBytes, hash);
  return kdfHmacSha2(hash, temporary, Buffer.from('kerberos'), profile.keyBytes);
}

/** KDF-HMAC-SHA2 (RFC 8009, 3). One HMAC is always long enough, so the counter stays at one. */
export function kdfHmacSha2(hash: string, key: Uint8Array, label: Uint8Array, size: number): Uint8Array {
  const bits = size * 8;
  const input = Buffer.concat([Uint8Array.of(0, 0, 0, 1), label, Uint8Array.of(0, 0, 0, bits >> 8, bits)]);
  return createHmac(hash, key).update(input).digest().subarray(0, size);
}

const hashFor = (profile: KeyProfile): string => (profile.keyBytes === 16 ? 'sha256' : 'sha384');
