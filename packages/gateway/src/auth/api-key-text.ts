/**
 * API keys as text: `cardea_<id>_<secret><checksum>`. The prefix lets secret scanners
 * and people recognise one that has leaked; the checksum tells one that was mistyped
 * or cut off without asking the store.
 *
 * @module
 */
import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What every key begins with. */
export const apiKeyPrefix = 'cardea_';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const idLength = 10;
/** 32 of 62 letters are 190 bits. */
const secretLength = 32;
const checksumLength = 6;

const form = new RegExp(`^cardea_([0-9A-Za-z]{${idLength}})_[0-9A-Za-z]{${secretLength + checksumLength}}$`);

export type ReadApiKey =
  /** It has the form of a key. Whether it is one, only its hash tells. */
  | { readonly kind: 'ok'; readonly id: string }
  | { readonly kind: 'malformed' }
  /** It would be a key but for a letter: the checksum does not fit. */
  | { readonly kind: 'mistyped' };

/** A new key. The text is a secret: it is shown once and kept nowhere. */
export function newApiKey(): { readonly id: string; readonly text: string } {
  const id = letters(idLength);
  const body = `${apiKeyPrefix}${id}_${letters(secretLength)}`;
  return { id, text: body + checksum(body) };
}

/** Reads a text that may be a key. */
export function readApiKey(text: string): ReadApiKey {
  const id = form.exec(text)?.[1];
  if (id === undefined) return { kind: 'malformed' };
  const body = text.slice(0, -checksumLength);
  return checksum(body) === text.slice(-checksumLength) ? { kind: 'ok', id } : { kind: 'mistyped' };
}

/** What the store keeps of a key. */
export const apiKeyHash = (text: string): Uint8Array => createHash('sha256').update(text).digest();

const letters = (count: number): string =>
  Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join('');

/** CRC-32, most significant digit first, in base 62. It guards against mistakes, not against people. */
function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < checksumLength; i++) {
    digits = (alphabet[rest % alphabet.length] ?? '') + digits;
    rest = Math.floor(rest / alphabet.length);
  }
  return digits;
}
