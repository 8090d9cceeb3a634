/**
 * The keys with which the issuer signs access tokens: RSA for RS256 (RFC 7518, 3.3), P-256 for
 * ES256 (3.4), Ed25519 for EdDSA (RFC 8037, 3.1). Other keys than those of the key ring: these are shown to
 * verifiers elsewhere, and turn by a schedule of their own (`signing-ring.ts`).
 *
 * @module
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'jose';

/** What access tokens may be signed with. The first is the default. */
export const signingAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

export interface SigningKey {
  /** The thumbprint of the public key (RFC 7638): the same wherever the key lies, and never an id of the key ring. */
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly publicKey: KeyObject;
  /** `undefined`: published, for tokens that are signed elsewhere or were signed before. */
  readonly privateKey: KeyObject | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** From then on it signs, until a later one does. It is published before. Milliseconds since the epoch. */
  readonly usedFrom: number;
}

/** What a new key is to be. */
export interface KeyWish {
  readonly algorithm: SigningAlgorithm;
  /** Of RSA keys; the others have one size. */
  readonly bits: number;
}

const generate = promisify(generateKeyPair);

/** Makes a key, outside of the event loop: RSA takes a tenth of a second and more. */
export async function newSigningKey(
  wish: KeyWish,
  times: Pick<SigningKey, 'createdAt' | 'usedFrom'>,
): Promise<SigningKey> {
  return { ...signingKey(await newPrivateKey(wish)), ...times };
}

async function newPrivateKey({ algorithm, bits }: KeyWish): Promise<KeyObject> {
  switch (algorithm) {
    case 'RS256':
      return (await generate('rsa', { modulusLength: bits })).privateKey;
    case 'ES256':
      return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
    case 'EdDSA':
      return (await generate('ed25519')).privateKey;
  }
}

/** What follows from the key itself. Throws `RangeError` for one that no algorithm here is for. */
export function signingKey(key: KeyObject): Pick<SigningKey, 'kid' | 'algorithm' | 'publicKey' | 'privateKey'> {
  const algorithm = algorithmOf(key);
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const kid = createHash('sha256')
    .update(JSON.stringify(thumbprintMembers(publicKey)))
    .digest('base64url');
  return { kid, algorithm, publicKey, privateKey: key.type === 'private' ? key : undefined };
}

/** Reads a private or public key in PEM. Throws `RangeError`; the message has nothing of the key. */
export function readSigningKey(pem: string | Buffer): ReturnType<typeof signingKey> {
  return signingKey(readKey(pem));
}

function readKey(pem: string | Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    try {
      return createPublicKey(pem);
    } catch {
      // without the cause: OpenSSL's text is not ours to vouch for
      throw new RangeError('it is neither a private nor a public key in PEM, or it is encrypted');
    }
  }
}

/** NIST SP 800-131A: RSA below 2048 bits is not to be used. */
const leastBits = 2048;

function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): SigningAlgorithm {
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= leastBits) return 'RS256';
  if (type === 'rsa')
    throw new RangeError(`it is an RSA key of ${details?.modulusLength} bits: ${leastBits} is the least`);
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256';
  if (type === 'ed25519') return 'EdDSA';
  throw new RangeError(`it is a key of type ${type ?? 'unknown'}: use RSA, P-256 or Ed25519`);
}

/** The members that a thumbprint is made of, in their order (RFC 7638, 3.2; RFC 8037, 2). */
function thumbprintMembers(publicKey: KeyObject): object {
  const { kty, crv, x, y, e, n } = publicKey.export({ format: 'jwk' });
  if (kty === 'RSA') return { e, kty, n };
  return kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x };
}

/** The public half as verifiers get it (RFC 7517, 4). */
export function signingJwk({ publicKey, kid, algorithm }: SigningKey): JWK {
  // A JWK of a public key is its kty and numbers alone.
  const { kty, ...numbers } = publicKey.export({ format: 'jwk' });
  return { kty: String(kty), ...numbers, kid, alg: algorithm, use: 'sig' };
}

/** RFC 7518, 3.4: the signature of ES256 is two numbers side by side, not the DER that OpenSSL writes by itself. */
const encoding = { dsaEncoding: 'ieee-p1363' } as const;
const digestOf = (algorithm: SigningAlgorithm): 'sha256' | undefined => (algorithm === 'EdDSA' ? undefined : 'sha256');

/** Signs in a thread of libuv's pool: a signature by RSA takes most of a millisecond, which requests need not wait for. */
export function signWith({ privateKey, algorithm }: SigningKey, input: string): Promise<Buffer> {
  if (privateKey === undefined) return Promise.reject(new TypeError('Cannot sign: this key is for verifying'));
  return new Promise((resolve, reject) => {
    sign(digestOf(algorithm), Buffer.from(input), { key: privateKey, ...encoding }, (error, signature) => {
      if (error === null) resolve(signature);
      else reject(error);
    });
  });
}

/** Whether a signature is this key's. At once: some 30 µs with RSA. */
export function isSignedBy({ publicKey, algorithm }: SigningKey, input: string, signature: Buffer): boolean {
  return verify(digestOf(algorithm), Buffer.from(input), { key: publicKey, ...encoding }, signature);
}
