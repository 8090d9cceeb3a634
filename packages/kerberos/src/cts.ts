/**
 * AES in CBC mode with ciphertext stealing and a zero initialisation vector, as RFC 3962, 5 and RFC 8009, 5 define it:
 * the last two blocks are always exchanged, and the output is exactly as long as the input.
 *
 * @module
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

const BLOCK = 16;
const zeroBlock = new Uint8Array(BLOCK);

/** Encrypts `plain`, at least one block of it (Kerberos puts a one-block confounder in front). */
export function ctsEncrypt(key: Uint8Array, plain: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(plain.length / BLOCK) * BLOCK);
  padded.set(plain);
  const cipher = createCipheriv(cbc(key), key, zeroBlock).setAutoPadding(false);
  const blocks = cipher.update(padded);
  if (plain.length <= BLOCK) return blocks;

  const last = padded.length - BLOCK;
  const out = new Uint8Array(plain.length);
  out.set(blocks.subarray(0, last - BLOCK));
  out.set(blocks.subarray(last), last - BLOCK);
  out.set(blocks.subarray(last - BLOCK, plain.length - BLOCK), last);
  return out;
}

/** The inverse of `ctsEncrypt`, for at least one block. */
export function ctsDecrypt(key: Uint8Array, cipher: Uint8Array): Uint8Array {
  const decipher = createDecipheriv(cbc(key), key, zeroBlock).setAutoPadding(false);
  if (cipher.length <= BLOCK) return decipher.update(cipher);

  // The block that was encrypted last comes second to last. Decrypted alone it ends in the bytes that were stolen from
  // its neighbour, because the plaintext there is zero padding; with them the blocks are put back into CBC order.
  const last = Math.ceil(cipher.length / BLOCK) * BLOCK - BLOCK;
  const swapped = cipher.subarray(last - BLOCK, last);
  const stolen = decipher.update(swapped).subarray(cipher.length - last);

  // The leading zero block stands for the initialisation vector, so that one cipher object serves both passes.
  const blocks = new Uint8Array(BLOCK + last + BLOCK);
  blocks.set(cipher.subarray(0, last - BLOCK), BLOCK);
  blocks.set(cipher.subarray(last), last);
  blocks.set(stolen, cipher.length);
  blocks.set(swapped, BLOCK + last);
  return decipher.update(blocks).subarray(BLOCK, BLOCK + cipher.length);
}

const cbc = (key: Uint8Array): string => (key.length === 16 ? 'aes-128-cbc' : 'aes-256-cbc');
