/**
 * The keys with which a provider signs (JWK set, RFC 7517, 5): fetched when first needed, kept for an hour, fetched once
 * more when a token names a key that is not among them. A provider that is down does not make the kept ones bad.
 *
 * @module
 */
import { createLocalJWKSet, errors, type JWSHeaderParameters, type CryptoKey, type JWK } from 'jose';
import type { Outbound } from './outbound.ts';
import { ProviderUnavailable } from './refusal.ts';
import { isObject } from './token.ts';

type KeySet = ReturnType<typeof createLocalJWKSet>;

export type Tried<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'no-key' }
  | { readonly kind: 'failed'; readonly error: unknown };

const maxAgeMs = 3_600_000;
/** Anybody can send a token with a key of his own invention: it makes us ask the provider this often at most. */
const cooldownMs = 10_000;
const maxKeys = 100;

/** The keys behind one `jwks_uri`. */
export class ProviderKeys {
  readonly url: string;
  readonly #outbound: Pick<Outbound, 'fetch'>;
  #known: { readonly keys: KeySet; readonly at: number } | undefined;
  #askedAgainAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(url: string, outbound: Pick<Outbound, 'fetch'>) {
    this.url = url;
    this.#outbound = outbound;
  }

  /** Calls `use` with the keys that a token's header fits, until it does not throw for a bad signature. */
  async tryEach<T>(header: JWSHeaderParameters, now: number, use: (key: CryptoKey) => Promise<T>): Promise<Tried<T>> {
    if (this.#known === undefined || now - this.#known.at > maxAgeMs) await this.#renew(now);
    const first = await this.#try(header, use);
    if (first.kind !== 'no-key' || now - this.#askedAgainAt < cooldownMs) return first;
    this.#askedAgainAt = now;
    await this.#renew(now);
    return this.#try(header, use);
  }

  async #try<T>(header: JWSHeaderParameters, use: (key: CryptoKey) => Promise<T>): Promise<Tried<T>> {
    if (this.#known === undefined) return { kind: 'no-key' };
    let failure: unknown;
    try {
      for await (const key of candidates(this.#known.keys, header)) {
        if (key === undefined) return { kind: 'no-key' };
        try {
          return { kind: 'ok', value: await use(key) };
        } catch (error) {
          // A token without a `kid` may be of any of several keys; every other fault is the same with all of them.
          if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
          failure = error;
        }
      }
    } catch (error) {
      failure = error;
    }
    return { kind: 'failed', error: failure };
  }

  /** One request at a time; when it fails, the keys at hand stay good, and without any it is thrown. */
  async #renew(now: number): Promise<void> {
    this.#asking ??= this.#ask(now).finally(() => {
      this.#asking = undefined;
    });
    try {
      await this.#asking;
    } catch (error) {
      if (this.#known === undefined) throw error;
    }
  }

  async #ask(now: number): Promise<void> {
    let set: unknown;
    try {
      const response = await this.#outbound.fetch(this.url, { headers: { accept: 'application/json' } });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      set = await response.json();
    } catch (error) {
      const why = error instanceof Error && !(error instanceof SyntaxError) ? error.message : 'not JSON';
      throw new ProviderUnavailable(`Cannot fetch the provider's keys: ${why}`, cooldownMs, { cause: error });
    }
    const keys = publicKeys(set);
    if (keys === undefined) throw new ProviderUnavailable("Cannot use the provider's keys: not a JWK set", cooldownMs);
    this.#known = { keys: createLocalJWKSet({ keys }), at: now };
  }
}

/** The keys that the header fits; a first `undefined` says that there is none. */
async function* candidates(keys: KeySet, header: JWSHeaderParameters): AsyncGenerator<CryptoKey | undefined> {
  try {
    yield await keys(header, { payload: '', signature: '' });
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) yield undefined;
    else if (error instanceof errors.JWKSMultipleMatchingKeys) yield* error;
    else throw error;
  }
}

/** The members of a key set; which of them fit a token is for `jose` to say, and it takes no shared secret for a key. */
function publicKeys(set: unknown): JWK[] | undefined {
  if (!isObject(set) || !Array.isArray(set['keys']) || set['keys'].length > maxKeys) return undefined;
  const members: readonly unknown[] = set['keys'];
  return members.filter((key): key is JWK => isObject(key) && typeof key['kty'] === 'string');
}
