/**
 * The keys of a gateway: generations of one secret and one signing key each. The
 * newest generation seals and signs; older ones only open and verify, until
 * nothing that they made can still be valid.
 *
 * Pure but for randomness: where the keys are kept is `stores/key-file.ts`.
 *
 * @module
 */
import { createPrivateKey, generateKeyPairSync, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import type { JWK } from 'jose';

/** One generation of keys. */
export interface MasterKey {
  /** Eight hexadecimal digits; also the `kid` of the signing key. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** 32 random bytes, from which one key per purpose is derived. */
  readonly secret: Uint8Array;
  /** The private half for ES256 (RFC 7518, 3.4): P-256. */
  readonly signing: KeyObject;
}

/** What a derived key is for. Each purpose has its own key, so that no kind of token can stand in for another. */
export type Purpose =
  | 'session'
  | 'session-body'
  | 'refresh'
  | 'transaction'
  | 'csrf'
  | 'stream'
  | 'approval'
  | 'probe'
  | 'signing-keys';

/** Bytes of a generation's secret and of every derived key (AES-256, HMAC-SHA256). */
export const keyBytes = 32;

/** A fresh generation whose id is none of `taken`. */
export function newMasterKey(now: number, taken: readonly MasterKey[] = []): MasterKey {
  let id: string;
  do id = randomBytes(4).toString('hex');
  while (taken.some((key) => key.id === id));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { id, createdAt: now, secret: randomBytes(keyBytes), signing: privateKey };
}

/** The generations after a rotation at `now`: a new one, and those that may have made what is still valid. */
export function rotated(keys: readonly MasterKey[], now: number, longestUseMs: number): readonly MasterKey[] {
  return [newMasterKey(now, keys), ...stillNeeded(newestFirst(keys), now, longestUseMs)];
}

/** A generation is in use until its successor comes, and needed for the longest session after that. */
function stillNeeded(keys: readonly MasterKey[], now: number, longestUseMs: number): readonly MasterKey[] {
  return keys.filter((_, i) => now - (keys[i - 1]?.createdAt ?? now) <= longestUseMs);
}

/** All generations of keys, and what is derived from them. */
export class KeyRing {
  readonly #newer: () => readonly MasterKey[] | undefined;
  #keys: readonly MasterKey[];
  #derived = new Map<string, Uint8Array>();

  /**
   * Throws `RangeError` without at least one generation, or with two of the same id.
   *
   * `newer` gives the generations as they are now, when others may have made some since it was last asked. It is asked when
   * one is wanted that is not in the ring, at once and as often as strangers like: it has to be cheap.
   */
  constructor(keys: readonly MasterKey[], newer: () => readonly MasterKey[] | undefined = () => undefined) {
    this.#keys = checked(keys);
    this.#newer = newer;
  }

  /** All generations, newest first. */
  get keys(): readonly MasterKey[] {
    return this.#keys;
  }

  /** The generation that seals and signs. */
  get newest(): MasterKey {
    return this.#keys[0] as MasterKey; // `checked` holds that there is one
  }

  /** Takes over other generations, as after a rotation or when the key file has changed. */
  replace(keys: readonly MasterKey[]): void {
    this.#keys = checked(keys);
    this.#derived = new Map();
  }

  /**
   * The key of one generation for one purpose: HKDF-SHA256 (RFC 5869) with the purpose as context.
   * `undefined` for a generation that is not (or no longer) in the ring.
   */
  derive(id: string, purpose: Purpose): Uint8Array | undefined {
    const name = `${id} ${purpose}`;
    const known = this.#derived.get(name);
    if (known !== undefined) return known;
    const isWanted = (key: MasterKey): boolean => key.id === id;
    let master = this.#keys.find(isWanted);
    if (master === undefined && this.#refresh()) master = this.#keys.find(isWanted);
    if (master === undefined) return undefined;
    const bytes = new Uint8Array(hkdfSync('sha256', master.secret, '', `cardea v1 ${purpose}`, keyBytes));
    this.#derived.set(name, bytes);
    return bytes;
  }

  /** The public halves of all signing keys as a JWK set (RFC 7517, 5), for `/.well-known/jwks.json`. */
  jwks(): { keys: JWK[] } {
    // Whoever asks may have a token that was signed elsewhere, a moment ago, with a new key.
    this.#refresh();
    return { keys: this.#keys.map(publicJwk) };
  }

  #refresh(): boolean {
    const keys = this.#newer();
    if (keys !== undefined) this.replace(keys);
    return keys !== undefined;
  }
}

/** The public half of a generation's signing key (RFC 7517, 4). */
export function publicJwk(key: MasterKey): JWK {
  const { kty, crv, x, y } = key.signing.export({ format: 'jwk' });
  if (kty !== 'EC' || crv !== 'P-256' || x === undefined || y === undefined)
    throw new RangeError(`Cannot use signing key ${key.id}: not a P-256 key`);
  return { kty, crv, x, y, kid: key.id, alg: 'ES256', use: 'sig' };
}

/** A generation as the key file has it. */
export interface StoredKey {
  readonly id: string;
  readonly created_at: string;
  readonly secret: string;
  /** PKCS #8, base64. */
  readonly signing: string;
}

/** The inverse of `readStoredKey`. */
export function storedKey(key: MasterKey): StoredKey {
  return {
    id: key.id,
    created_at: new Date(key.createdAt).toISOString(),
    secret: Buffer.from(key.secret).toString('base64url'),
    signing: key.signing.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
  };
}

/** Throws `RangeError` for anything that `storedKey` would not have written; the message has no key material. */
export function readStoredKey(value: unknown): MasterKey {
  const wrong = (what: string): RangeError => new RangeError(`Cannot read key: ${what}`);
  if (!isStoredKey(value)) throw wrong('not an object of id, created_at, secret and signing');
  const { id, created_at: createdText, secret: secretText, signing: signingText } = value;
  if (!/^[0-9a-f]{8}$/.test(id)) throw wrong('the id is not eight hexadecimal digits');
  const createdAt = Date.parse(createdText);
  if (!Number.isFinite(createdAt)) throw wrong(`created_at of ${id} is not a date`);
  const secret = new Uint8Array(Buffer.from(secretText, 'base64url'));
  if (secret.length !== keyBytes) throw wrong(`the secret of ${id} is not ${keyBytes} bytes`);
  let signing: KeyObject;
  try {
    signing = createPrivateKey({ key: Buffer.from(signingText, 'base64'), format: 'der', type: 'pkcs8' });
  } catch {
    throw wrong(`the signing key of ${id} is not a private key`); // without the cause: OpenSSL's text is not ours to vouch for
  }
  const key = { id, createdAt, secret, signing };
  publicJwk(key);
  return key;
}

function isStoredKey(value: unknown): value is StoredKey {
  if (typeof value !== 'object' || value === null) return false;
  const entries = new Map<string, unknown>(Object.entries(value));
  return ['id', 'created_at', 'secret', 'signing'].every((name) => typeof entries.get(name) === 'string');
}

function checked(keys: readonly MasterKey[]): readonly MasterKey[] {
  if (keys.length === 0) throw new RangeError('Cannot make a key ring: no keys');
  if (new Set(keys.map((key) => key.id)).size !== keys.length)
    throw new RangeError('Cannot make a key ring: two keys have the same id');
  return newestFirst(keys);
}

const newestFirst = (keys: readonly MasterKey[]): readonly MasterKey[] =>
  keys.toSorted((a, b) => b.createdAt - a.createdAt);
