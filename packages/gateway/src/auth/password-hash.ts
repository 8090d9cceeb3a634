/**
 * Password hashes: argon2id (RFC 9106) in the PHC string form
 * `$argon2id$v=19$m=65536,t=3,p=1$salt$hash`, base64 without padding.
 *
 * @module
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';

export interface HashParameters {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

export interface PasswordHash extends HashParameters {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** The second recommendation of RFC 9106, 4, with one lane: 64 MiB, three passes. */
export const defaultParameters: HashParameters = { memory: 65_536, passes: 3, parallelism: 1 };

/** The users file is the operator's, but a slip in it must not take the machine's memory or a minute of its time. */
const maxMemory = 512 * 1024;
const maxPasses = 16;
const maxParallelism = 16;

/** Longer ones are refused before any work is done. */
export const maxPasswordLength = 1_024;

const saltBytes = 16;
const hashBytes = 32;

const number = '(0|[1-9][0-9]{0,9})';
const phc = new RegExp(
  `^\\$argon2id\\$v=19\\$m=${number},t=${number},p=${number}\\$([A-Za-z0-9+/]+)\\$([A-Za-z0-9+/]+)$`,
);

/** The parts of a PHC string, or what is wrong with it (never quoting it). */
export function parsePasswordHash(
  text: string,
): { readonly kind: 'ok'; readonly hash: PasswordHash } | { readonly kind: 'wrong'; readonly reason: string } {
  const wrong = (reason: string) => ({ kind: 'wrong', reason }) as const;
  const [, m, t, p, saltText = '', hashText = ''] = phc.exec(text) ?? [];
  if (m === undefined) return wrong('not of the form $argon2id$v=19$m=...,t=...,p=...$salt$hash');
  const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)];
  if (passes < 1 || passes > maxPasses) return wrong(`t is not within 1 and ${maxPasses}`);
  if (parallelism < 1 || parallelism > maxParallelism) return wrong(`p is not within 1 and ${maxParallelism}`);
  if (memory < 8 * parallelism || memory > maxMemory) return wrong(`m is not within 8 * p and ${maxMemory} (KiB)`);
  const salt = decode(saltText);
  if (salt === undefined || salt.length < 8 || salt.length > 64)
    return wrong('the salt is not 8 to 64 bytes of base64');
  const hash = decode(hashText);
  if (hash === undefined || hash.length < 16 || hash.length > 64)
    return wrong('the hash is not 16 to 64 bytes of base64');
  return { kind: 'ok', hash: { memory, passes, parallelism, salt, hash } };
}

/** A new hash with a random salt, as text for the users file. Throws `RangeError` for a password that can never be verified. */
export async function hashPassword(password: string, parameters: HashParameters = defaultParameters): Promise<string> {
  if (password === '' || password.length > maxPasswordLength)
    throw new RangeError(`Cannot hash password: it is empty or longer than ${maxPasswordLength} characters`);
  const salt = randomBytes(saltBytes);
  const hash = await derive(password, { ...parameters, salt }, hashBytes);
  const { memory, passes, parallelism } = parameters;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${encode(salt)}$${encode(hash)}`;
}

/** Whether this is the password. Throws `RangeError` for a text that is not a PHC string. */
export async function verifyPassword(password: string, text: string): Promise<boolean> {
  const parsed = parsePasswordHash(text);
  if (parsed.kind === 'wrong') throw new RangeError(`Cannot verify password: the hash is ${parsed.reason}`);
  return matchesHash(password, parsed.hash);
}

/** As `verifyPassword`, for a hash that has been parsed. The comparison takes constant time. */
export async function matchesHash(password: string, expected: PasswordHash): Promise<boolean> {
  if (password.length > maxPasswordLength) return false;
  return timingSafeEqual(await derive(password, expected, expected.hash.length), expected.hash);
}

function derive(
  password: string,
  { memory, passes, parallelism, salt }: HashParameters & { readonly salt: Uint8Array },
  tagLength: number,
): Promise<Uint8Array> {
  // The same characters are not the same bytes on every keyboard: RFC 8265, 4.2.2 wants NFC.
  const message = Buffer.from(password.normalize('NFC'), 'utf8');
  return new Promise((resolve, reject) => {
    argon2('argon2id', { message, nonce: salt, memory, passes, parallelism, tagLength }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '');

function decode(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return encode(bytes) === text ? bytes : undefined; // refuses spare bits, which Buffer ignores
}
