/**
 * The issuer's keys and their schedule. A key is published before it signs, so that whoever keeps
 * the key set for as long as it may be kept knows every key that signs; and it stays published for as long as something that it
 * signed can be good.
 *
 * Pure: where the keys are kept, and by what clock they turn, is `stores/signing-keys.ts`.
 *
 * @module
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';
import { type KeyWish, type SigningKey, signingJwk, signingKey } from './signing-key.ts';

/** How long verifiers may keep the key set (`Cache-Control` of `/.well-known/jwks.json`). */
export const keySetMaxAgeMs = 300_000;

/** Clocks may differ by this much. */
export const clockLeewayMs = 60_000;

/** All keys of the issuer, as one thread knows them. */
export class SigningRing {
  #keys: readonly SigningKey[];
  #jwks: readonly JWK[] | undefined;

  constructor(keys: readonly SigningKey[] = []) {
    this.#keys = inOrderOfUse(keys);
  }

  /** In the order in which they are used; none before the first was made. */
  get keys(): readonly SigningKey[] {
    return this.#keys;
  }

  /** Takes over other keys. */
  replace(keys: readonly SigningKey[]): void {
    this.#keys = inOrderOfUse(keys);
    this.#jwks = undefined;
  }

  /** The key that signs at this moment; `undefined` while there is none. */
  signer(now: number): SigningKey | undefined {
    return signerOf(this.#keys, now);
  }

  find(kid: string): SigningKey | undefined {
    return this.#keys.find((key) => key.kid === kid);
  }

  /** The public halves of all keys, for `/.well-known/jwks.json`. */
  jwks(): readonly JWK[] {
    this.#jwks ??= this.#keys.map(signingJwk);
    return this.#jwks;
  }
}

function signerOf(keys: readonly SigningKey[], now: number): SigningKey | undefined {
  const canSign = ({ privateKey }: SigningKey): boolean => privateKey !== undefined;
  // Whose clock is late gets the first key of another replica as one of the future: it is the right one all the same.
  return keys.findLast((key) => canSign(key) && key.usedFrom <= now) ?? keys.find(canSign);
}

const inOrderOfUse = (keys: readonly SigningKey[]): readonly SigningKey[] =>
  keys.toSorted((a, b) => a.usedFrom - b.usedFrom || a.createdAt - b.createdAt);

/** How keys turn. */
export interface SigningSchedule extends KeyWish {
  /** A key signs for so long. */
  readonly everyMs: number;
  /** A key is published for so long before it signs. */
  readonly aheadMs: number;
  /** The longest life of a token. */
  readonly longestTokenMs: number;
}

/** What is due at `now`: keys without those that nothing can need any more, and when a further one is to sign, if one is to be made. */
export function dueAt(
  keys: readonly SigningKey[],
  schedule: SigningSchedule,
  now: number,
): { readonly kept: readonly SigningKey[]; readonly newFrom: number | undefined } {
  const ordered = inOrderOfUse(keys);
  const kept = ordered.filter((_, i) => {
    const successor = ordered[i + 1];
    return successor === undefined || now < successor.usedFrom + keptAfterMs(schedule);
  });
  const last = kept.at(-1);
  if (last === undefined || signerOf(kept, now) === undefined) return { kept, newFrom: now };
  // A key that waits for its turn already is enough, whatever it is.
  if (last.usedFrom > now) return { kept, newFrom: undefined };
  const soonest = now + schedule.aheadMs;
  const isDue = !isAsWished(last, schedule) || last.usedFrom + schedule.everyMs <= soonest;
  return { kept, newFrom: isDue ? soonest : undefined };
}

function isAsWished({ algorithm, publicKey }: SigningKey, wish: KeyWish): boolean {
  if (algorithm !== wish.algorithm) return false;
  return algorithm !== 'RS256' || publicKey.asymmetricKeyDetails?.modulusLength === wish.bits;
}

/** After the next key has begun to sign: the life of the last token that this one may have signed, by a clock that is late. */
const keptAfterMs = ({ longestTokenMs }: SigningSchedule): number => longestTokenMs + 2 * clockLeewayMs;

/** A key as it is kept, before it is sealed. */
interface StoredSigningKey {
  readonly created_at: number;
  readonly used_from: number;
  /** PKCS #8 or, without a private half, SPKI; base64 of the DER. */
  readonly key: string;
  readonly private: boolean;
}

/** All keys as bytes, to be sealed. The inverse of `unpackSigningKeys`. */
export function packSigningKeys(keys: readonly SigningKey[]): Uint8Array {
  const stored = keys.map(({ createdAt, usedFrom, privateKey, publicKey }): StoredSigningKey => {
    const bytes =
      privateKey === undefined
        ? publicKey.export({ format: 'der', type: 'spki' })
        : privateKey.export({ format: 'der', type: 'pkcs8' });
    return {
      created_at: createdAt,
      used_from: usedFrom,
      key: bytes.toString('base64'),
      private: privateKey !== undefined,
    };
  });
  return Buffer.from(JSON.stringify({ version: 1, keys: stored }));
}

/** Throws `RangeError` for anything that `packSigningKeys` would not have written; the message has no key material. */
export function unpackSigningKeys(bytes: Uint8Array): readonly SigningKey[] {
  let keys: unknown;
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    keys = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined;
  } catch {
    // JSON.parse quotes the text that it stumbles over, which may be a key.
  }
  if (!Array.isArray(keys)) throw new RangeError('Cannot read signing keys: there is no list of them');
  return keys.map((one: unknown) => {
    if (!isStored(one)) throw new RangeError('Cannot read signing keys: an entry is not of the known form');
    const der = { key: Buffer.from(one.key, 'base64'), format: 'der' } as const;
    try {
      const key = one.private ? createPrivateKey({ ...der, type: 'pkcs8' }) : createPublicKey({ ...der, type: 'spki' });
      return { ...signingKey(key), createdAt: one.created_at, usedFrom: one.used_from };
    } catch {
      throw new RangeError('Cannot read signing keys: an entry holds no key');
    }
  });
}

function isStored(value: unknown): value is StoredSigningKey {
  return (
    typeof value === 'object' &&
    value !== null &&
    'created_at' in value &&
    Number.isFinite(value.created_at) &&
    'used_from' in value &&
    Number.isFinite(value.used_from) &&
    'key' in value &&
    typeof value.key === 'string' &&
    'private' in value &&
    typeof value.private === 'boolean'
  );
}
