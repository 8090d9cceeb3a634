/**
 * AES with HMAC-SHA1-96 (RFC 3962), in the simplified profile of RFC 3961, 5.3: encryption types 17 and 18.
 *
 * @module
 */
import { createCipheriv, createHmac, pbkdf2Sync, randomFillSync, timingSafeEqual } from 'node:crypto';
import { ctsDecrypt, ctsEncrypt } from './cts.ts';
import type { Key, KeyProfile } from './key.ts';
import { nFold } from './n-fold.ts';
import { KeyUsage } from './numbers.ts';

const CONFOUNDER_BYTES = 16;
const MAC_BYTES = 12;

/** The last byte of a derivation constant: which of a usage's three keys it makes (RFC 3961, 5.3). */
const CHECKSUM = 0x99;
const ENCRYPTION = 0xaa;
const INTEGRITY = 0x55;

interface UsageKeys {
  readonly encryption: Uint8Array;
  readonly integrity: Uint8Array;
}

/** A key of etype 17 or 18: AES in CTS mode with HMAC-SHA1-96 over the plaintext (RFC 3962). */
export class Rfc3962Key implements Key {
  readonly etype: number;
  readonly checksumType: number;
  readonly checksumBytes = MAC_BYTES;
  readonly #base: Uint8Array;
  readonly #usageKeys = new Map<number, UsageKeys>();
  readonly #checksumKeys = new Map<number, Uint8Array>();

  constructor(profile: KeyProfile, bytes: Uint8Array) {
    this.etype = profile.etype;
    this.checksumType = profile.checksumType;
    this.#base = Uint8Array.from(bytes);
  }

  decrypt(usage: number, cipher: Uint8Array): Uint8Array | undefined {
    const macAt = cipher.length - MAC_BYTES;
    if (macAt < CONFOUNDER_BYTES) return undefined;
    const keys = this.#keysFor(usage);
    const plain = ctsDecrypt(keys.encryption, cipher.subarray(0, macAt));
    if (!timingSafeEqual(mac(keys.integrity, plain), cipher.subarray(macAt))) return undefined;
    return plain.subarray(CONFOUNDER_BYTES);
  }

  encrypt(usage: number, plain: Uint8Array): Uint8Array {
    const keys = this.#keysFor(usage);
    const confounded = new Uint8Array(CONFOUNDER_BYTES + plain.length);
    randomFillSync(confounded, 0, CONFOUNDER_BYTES);
    confounded.set(plain, CONFOUNDER_BYTES);
    return Buffer.concat([ctsEncrypt(keys.encryption, confounded), mac(keys.integrity, confounded)]);
  }

  checksum(usage: number, data: Uint8Array): Uint8Array {
    let key = this.#checksumKeys.get(usage);
    if (key === undefined) {
      key = deriveKey(this.#base, usageConstant(usage, CHECKSUM));
      this.#checksumKeys.set(usage, key);
    }
    return mac(key, data);
  }

  #keysFor(usage: number): UsageKeys {
    let keys = this.#usageKeys.get(usage);
    if (keys === undefined) {
      const constants = [usageConstant(usage, ENCRYPTION), usageConstant(usage, INTEGRITY)] as const;
      const [encryption, integrity] = derivePair(this.#base, ...constants);
      keys = { encryption, integrity };
      this.#usageKeys.set(usage, keys);
    }
    return keys;
  }
}

/** string-to-key (RFC 3962, 4): `iterations` is 4096 unless the KDC says otherwise. */
export function rfc3962StringToKey(
  profile: KeyProfile,
  password: string,
  salt: Uint8Array,
  iterations = 4096,
): Uint8Array {
  const temporary = pbkdf2Sync(password, salt, iterations, profile.keyBytes, 'sha1');
  return deriveKey(temporary, nFold(Buffer.from('kerberos'), 16));
}

/**
 * DK (RFC 3961, 5.1) for a constant that is already folded to one block. Without a random-to-key step, a key of two
 * blocks is E(constant) followed by E(E(constant)).
 */
export function deriveKey(base: Uint8Array, constant: Uint8Array): Uint8Array {
  return derivePair(base, constant, constant)[0];
}

/** Two derived keys at the price of one: their blocks do not depend on each other and go through one cipher object. */
function derivePair(base: Uint8Array, one: Uint8Array, other: Uint8Array): [Uint8Array, Uint8Array] {
  const cipher = createCipheriv(base.length === 16 ? 'aes-128-ecb' : 'aes-256-ecb', base, null).setAutoPadding(false);
  const first = cipher.update(Buffer.concat([one, other]));
  if (base.length === 16) return [first.subarray(0, 16), first.subarray(16)];
  const second = cipher.update(first);
  return [
    Buffer.concat([first.subarray(0, 16), second.subarray(0, 16)]),
    Buffer.concat([first.subarray(16), second.subarray(16)]),
  ];
}

const foldedConstant = (usage: number, kind: number): Uint8Array =>
  nFold(Uint8Array.of(usage >>> 24, usage >>> 16, usage >>> 8, usage, kind), 16);

/** Every sign-on brings a new session key, to which the same constants belong: folding them each time was 5 % of its cost. */
const foldedConstants: ReadonlyMap<number, ReadonlyMap<number, Uint8Array>> = new Map(
  Object.values(KeyUsage).map((usage) => [
    usage,
    new Map([CHECKSUM, ENCRYPTION, INTEGRITY].map((kind) => [kind, foldedConstant(usage, kind)])),
  ]),
);

const usageConstant = (usage: number, kind: number): Uint8Array =>
  foldedConstants.get(usage)?.get(kind) ?? foldedConstant(usage, kind);

const mac = (key: Uint8Array, data: Uint8Array): Uint8Array =>
  createHmac('sha1', key).update(data).digest().subarray(0, MAC_BYTES);
