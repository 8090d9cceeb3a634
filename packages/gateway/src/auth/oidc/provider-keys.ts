/**
 * The keys with which a provider signs (JWK set, RFC 7517, 5): fetched when first needed, kept for an hour, fetched once
 * more when a token names a key that is not among them. A provider that is down, or hangs, does not make the kept ones bad, and
 * is left alone for a while.
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
/** So long do tokens wait for newer keys while there are old ones. */
const defaultPatienceMs = 1_000;

/** The keys behind one `jwks_uri`. */
export class ProviderKeys {
  readonly url: string;
  readonly #outbound: Pick<Outbound, 'fetch'>;
  #known: { readonly keys: KeySet; readonly at: number } | undefined;
  #askedAgainAt = Number.NEGATIVE_INFINITY;
  #asking: { readonly done: Promise<void>; readonly patience: Promise<void> } | undefined;
  #failure: { readonly message: string; readonly until: number } | undefined;
  /** The latest moment that was heard of: a question may take long, and nobody tells when it ends. */
  #latest = Number.NEGATIVE_INFINITY;
  readonly #patienceMs: number;

  constructor(url: string, outbound: Pick<Outbound, 'fetch'>, patienceMs = defaultPatienceMs) {
    this.url = url;
    this.#outbound = outbound;
    this.#patienceMs = patienceMs;
  }

  /** Calls `use` with the keys that a token's header fits, until it does not throw for a bad signature. */
  async tryEach<T>(header: JWSHeaderParameters, now: number, use: (key: CryptoKey) => Promise<T>): Promise<Tried<T>> {
    this.#latest = Math.max(this.#latest, now);
    if (this.#known === undefined) await this.#renew(now)?.done;
    else if (now - this.#known.at > maxAgeMs) await this.#renew(now)?.patience;
    const first = await this.#try(header, use);
    if (first.kind !== 'no-key') return first;
    if (this.#asking === undefined && now - this.#askedAgainAt < cooldownMs) return first;
    this.#askedAgainAt = now;
    // Nothing at hand serves this one: it waits for the answer, whoever has asked.
    await this.#renew(now)?.done.catch(() => undefined);
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

  /** One request at a time, and none for a while after one that has failed; without any keys that is thrown. */
  #renew(now: number): { readonly done: Promise<void>; readonly patience: Promise<void> } | undefined {
    if (this.#asking === undefined && this.#failure !== undefined && now < this.#failure.until) {
      if (this.#known !== undefined) return undefined;
      throw new ProviderUnavailable(this.#failure.message, this.#failure.until - now);
    }
    if (this.#asking === undefined) {
      const done = this.#ask(now).finally(() => {
        this.#asking = undefined;
      });
      this.#asking = { done, patience: endOrAfter(done, this.#patienceMs) };
    }
    return this.#asking;
  }

  async #ask(now: number): Promise<void> {
    try {
      const keys = publicKeys(await this.#fetch());
      if (keys === undefined) throw new Error('not a JWK set');
      this.#known = { keys: createLocalJWKSet({ keys }), at: now };
      this.#failure = undefined;
    } catch (error) {
      const why = error instanceof Error && !(error instanceof SyntaxError) ? error.message : 'not JSON';
      const message = `Cannot fetch the provider's keys: ${why}`;
      this.#failure = { message, until: this.#latest + cooldownMs };
      throw new ProviderUnavailable(message, cooldownMs, { cause: error });
    }
  }

  async #fetch(): Promise<unknown> {
    const response = await this.#outbound.fetch(this.url, { headers: { accept: 'application/json' } });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    return response.json();
  }
}

/** Settled when `work` is, or after so long, and never a failure. */
function endOrAfter(work: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    work.then(end, end);
  });
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
