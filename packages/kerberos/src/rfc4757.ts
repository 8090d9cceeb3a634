/**
 * RC4 with HMAC-MD5 (RFC 4757): encryption type 23. Weak, and only for domains that cannot do better yet:
 * the acceptor refuses it unless it is told otherwise.
 *
 * @module
 */
import { createHash, createHmac, randomFillSync, timingSafeEqual } from 'node:crypto';
import type { Key, KeyProfile } from './key.ts';
import { KeyUsage } from './numbers.ts';
import { rc4 } from './rc4.ts';

const MAC_BYTES = 16;
const CONFOUNDER_BYTES = 8;

/** A key of etype 23: RC4 with HMAC-MD5 (RFC 4757). Weak; used only where the acceptor was told to allow it. */
export class Rfc4757Key implements Key {
  readonly etype: number;
  readonly checksumType: number;
  readonly checksumBytes = MAC_BYTES;
  readonly #base: Uint8Array;
  readonly #usageKeys = new Map<number, Uint8Array>();
  #signatureKey: Uint8Array | undefined;

  constructor(profile: KeyProfile, bytes: Uint8Array) {
    this.etype = profile.etype;
    this.checksumType = profile.checksumType;
    this.#base = Uint8Array.from(bytes);
  }

  decrypt(usage: number, cipher: Uint8Array): Uint8Array | undefined {
    if (cipher.length < MAC_BYTES + CONFOUNDER_BYTES) return undefined;
    const key = this.#keyFor(usage);
    const mac = cipher.subarray(0, MAC_BYTES);
    const plain = rc4(hmac(key, mac), cipher.subarray(MAC_BYTES));
    if (!timingSafeEqual(hmac(key, plain), mac)) return undefined;
    return plain.subarray(CONFOUNDER_BYTES);
  }

  encrypt(usage: number, plain: Uint8Array): Uint8Array {
    const key = this.#keyFor(usage);
    const confounded = new Uint8Array(CONFOUNDER_BYTES + plain.length);
    randomFillSync(confounded, 0, CONFOUNDER_BYTES);
    confounded.set(plain, CONFOUNDER_BYTES);
    const mac = hmac(key, confounded);
    return Buffer.concat([mac, rc4(hmac(key, mac), confounded)]);
  }

  checksum(usage: number, data: Uint8Array): Uint8Array {
    this.#signatureKey ??= hmac(this.#base, Buffer.from('signaturekey\0'));
    return hmac(this.#signatureKey, createHash('md5').update(usageBytes(usage)).update(data).digest());
  }

  #keyFor(usage: number): Uint8Array {
    let key = this.#usageKeys.get(usage);
    if (key === undefined) {
      key = hmac(this.#base, usageBytes(usage));
      this.#usageKeys.set(usage, key);
    }
    return key;
  }
}

/**
 * The usage in Microsoft's numbering, least significant byte first (RFC 4757, 3). It differs from RFC 4120's for the
 * encrypted part of AS-REP and for signed GSS tokens.
 */
function usageBytes(usage: number): Uint8Array {
  const t = usage === KeyUsage.asRepEncPart ? 8 : usage === KeyUsage.gssAcceptorSign ? 13 : usage;
  return Uint8Array.of(t, t >>> 8, t >>> 16, t >>> 24);
}

const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array => createHmac('md5', key).update(data).digest();
