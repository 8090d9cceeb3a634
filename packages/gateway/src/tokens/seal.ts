/**
 * Sealing with AES-256-GCM (NIST SP 800-38D). A sealed value is base64url of
 *
 *     version (1) | key id (4) | nonce (12) | ciphertext | tag (16)
 *
 * The head and the purpose are authenticated with it; the purpose also has its
 * own key. Nonces are random: 2^32 seals per key are safe (SP 800-38D, 8.3), which
 * is 136 a second for a year without a rotation.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Sealer } from '../ports/sealer.ts';
import type { KeyRing, Purpose } from './key-ring.ts';

const version = 1;
const headBytes = 5;
const nonceBytes = 12;
const tagBytes = 16;

/** What sealing adds to the length of the plain bytes, before base64url. */
const sealOverheadBytes = headBytes + nonceBytes + tagBytes;

/** Nothing longer is looked at: a cookie or a URL parameter is never this long. */
const maxTextLength = 16_384;

/**
 * A sealer for one purpose on this ring. It always uses the ring's keys of the moment. `maxLength`: of the texts that it opens,
 * where they do not come from a client.
 */
export function sealer(ring: KeyRing, purpose: Purpose, maxLength = maxTextLength): Sealer {
  return {
    seal(plain) {
      const { id } = ring.newest;
      const key = ring.derive(id, purpose);
      if (key === undefined) throw new Error(`Cannot seal: key ${id} has left the ring`);
      const head = Buffer.concat([Buffer.of(version), Buffer.from(id, 'hex')]);
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
      cipher.setAAD(aad(head, purpose));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([head, nonce, body, cipher.getAuthTag()]).toString('base64url');
    },

    open(text) {
      if (text.length > maxLength) return undefined;
      const bytes = Buffer.from(text, 'base64url');
      // Buffer skips what is not base64url and ignores spare bits: only the one spelling of the bytes is accepted.
      if (bytes.length < sealOverheadBytes || bytes[0] !== version || bytes.toString('base64url') !== text)
        return undefined;
      const key = ring.derive(bytes.toString('hex', 1, headBytes), purpose);
      if (key === undefined) return undefined;
      const nonce = bytes.subarray(headBytes, headBytes + nonceBytes);
      const tagAt = bytes.length - tagBytes;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
        decipher.setAAD(aad(bytes.subarray(0, headBytes), purpose));
        decipher.setAuthTag(bytes.subarray(tagAt));
        return Buffer.concat([decipher.update(bytes.subarray(headBytes + nonceBytes, tagAt)), decipher.final()]);
      } catch {
        return undefined; // node:crypto tells a wrong tag by throwing
      }
    },
  };
}

/** The id of the key that a text was sealed with, as the text has it: for asking whether it should be sealed again. */
export const sealedBy = (text: string): string => Buffer.from(text, 'base64url').toString('hex', 1, headBytes);

const aad = (head: Uint8Array, purpose: Purpose): Buffer => Buffer.concat([head, Buffer.from(purpose)]);
