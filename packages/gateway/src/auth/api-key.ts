/**
 * Programs that sign in with an API key, in `X-API-Key` or as
 * `Authorization: Bearer cardea_…`. Both at once, or one of them twice, is refused: the
 * app behind us might take the other one.
 *
 * @module
 */
import { timingSafeEqual } from 'node:crypto';
import type { Identity } from '../core/identity.ts';
import { type PathScope, pathScope } from '../policy/path-scope.ts';
import type { ApiKey, ApiKeys } from '../ports/api-keys.ts';
import { apiKeyHash, apiKeyPrefix, readApiKey } from './api-key-text.ts';
import type { Authenticator, Credentials, Outcome, Rejected } from './authenticator.ts';
import { SessionCache } from './session-cache.ts';
import { ownField } from '../wire/own-field.ts';

export interface ApiKeyOptions {
  readonly id?: string;
  readonly keys: KnownApiKeys;
  /** How long a key's identity lasts that does not expire. */
  readonly lifetimeMs: number;
  /**
   * Whether a path is one of the gateway's own. A key's scope is about apps: an endpoint that hands out further
   * credentials asks `mayUse` by itself about what they are for.
   */
  readonly isOwnPath: (path: string) => boolean;
}

/** The field that carries a key, in lower case. */
const apiKeyField = 'x-api-key';

/** API keys as a sign-in method. */
export function apiKey(options: ApiKeyOptions): Authenticator {
  const { keys, isOwnPath } = options;
  return {
    id: options.id ?? 'api_key',
    kind: 'api_key',
    scope: 'request',
    challenge: undefined,
    ownFields: [apiKeyField],

    authenticate(credentials: Credentials): Outcome | Promise<Outcome> {
      const offered = offeredKey(credentials);
      if (offered === undefined) return { kind: 'absent' };
      if (typeof offered === 'object') return offered;
      const read = readApiKey(offered);
      if (read.kind === 'malformed') return rejected('api-key-malformed', 'it does not have the form of an API key');
      if (read.kind === 'mistyped')
        return rejected('api-key-mistyped', 'the checksum of the API key does not fit: it was mistyped or cut off');
      const judge = (known: KnownKey | undefined): Outcome => {
        if (known === undefined) return rejected('api-key-unknown', 'there is no API key with this id');
        const { key } = known;
        // The hash is compared before anything is said about the key that the id names: the id is no secret.
        const hash = apiKeyHash(offered);
        if (hash.length !== key.hash.length || !timingSafeEqual(hash, key.hash))
          return rejected('api-key-wrong', `the API key ${key.id} has another secret`);
        const fault = faultOf(key, credentials.now);
        if (fault !== undefined) return fault;
        if (!isOwnPath(credentials.path) && !known.mayUse(credentials)) {
          const { app, method, path } = credentials;
          const what = `${method} ${path.slice(0, 200)} of ${app}`;
          return rejected('api-key-scope', `the scope of API key ${key.id} does not reach ${what}`);
        }
        keys.use(key.id, credentials.now);
        return {
          kind: 'accepted',
          identity: identityOf(key, credentials.now, options.lifetimeMs),
          goodUntil: key.expiresAt,
          reuse: { key: Buffer.from(hash).toString('base64'), until: known.until },
        };
      };
      const known = keys.find(read.id, credentials.now);
      return known instanceof Promise ? known.then(judge) : judge(known);
    },
  };
}

/** A stored key, and what was made of it. */
export interface KnownKey {
  readonly key: ApiKey;
  /** When it will be looked up again. */
  readonly until: number;
  /** Whether its scope reaches so far. */
  mayUse(what: ScopedUse): boolean;
}

/** What somebody wants to do with a credential. */
export interface ScopedUse {
  readonly app: string;
  readonly method: string;
  readonly path: string;
  /** Everything below the path as well. */
  readonly below?: boolean;
}

/** How long a key is believed without asking the store. So soon is a revocation heard, on every thread and replica. */
const believedMs = 500;
const maxKnown = 10_000;
/** Uses that wait to be written; more different keys than this are not in use at once. */
const maxUses = 10_000;

/** The keys of the store as one thread knows them: remembered for half a second, their uses written together. */
export class KnownApiKeys {
  readonly #keys: ApiKeys;
  readonly #known = new SessionCache<KnownKey>({ maxEntries: maxKnown, maxAgeMs: believedMs });
  #uses = new Map<string, number>();

  constructor(keys: ApiKeys) {
    this.#keys = keys;
  }

  /** At once when it is remembered. Throws, or rejects, when the store has to be asked and cannot be. */
  find(id: string, now: number): KnownKey | undefined | Promise<KnownKey | undefined> {
    const known = this.#known.get(id, now);
    if (known !== undefined) return known;
    const found = this.#keys.find(id);
    return found instanceof Promise ? found.then((key) => this.#remember(key, now)) : this.#remember(found, now);
  }

  /** Whether what was made with a key may still be used: the key is neither revoked nor expired. */
  async isGood(id: string, now: number): Promise<boolean> {
    const known = await this.find(id, now);
    return known !== undefined && faultOf(known.key, now) === undefined;
  }

  /**
   * Whether a credential that an endpoint of ours was asked with reaches so far. Everybody's does who has not come with
   * a key.
   */
  async mayUse(identity: Pick<Identity, 'subject' | 'method'>, what: ScopedUse, now: number): Promise<boolean> {
    const id = apiKeyIdOf(identity);
    return id === undefined || (await this.find(id, now))?.mayUse(what) === true;
  }

  /** Whether this is the identity of a key that may ask about other people, and is for one of these apps. */
  async mayCheck(
    identity: Pick<Identity, 'subject' | 'method'>,
    apps: readonly string[],
    now: number,
  ): Promise<boolean> {
    const id = apiKeyIdOf(identity);
    const key = id === undefined ? undefined : (await this.find(id, now))?.key;
    if (key?.rights.includes('check') !== true) return false;
    const { apps: own } = key.scope;
    return own === undefined || own.some((app) => apps.includes(app));
  }

  /** Notes that a key was used. */
  use(id: string, now: number): void {
    if (this.#uses.size < maxUses || this.#uses.has(id)) this.#uses.set(id, now);
  }

  /** Writes the uses that were noted. To be called every few seconds, and at the end. */
  async flush(): Promise<void> {
    if (this.#uses.size === 0) return;
    const uses = this.#uses;
    this.#uses = new Map();
    await this.#keys.used([...uses].map(([id, at]) => ({ id, at })));
  }

  #remember(key: ApiKey | undefined, now: number): KnownKey | undefined {
    // An unknown id is not remembered: anybody can think up as many as they like.
    if (key === undefined) return undefined;
    const known = { key, until: now + believedMs, mayUse: scopeOf(key) };
    this.#known.set(key.id, known, known.until, now);
    return known;
  }
}

/** The id of the API key that an identity was made of; `undefined` when it was made of something else. */
export function apiKeyIdOf(identity: Pick<Identity, 'subject' | 'method'>): string | undefined {
  return identity.method === 'api_key' && identity.subject.startsWith(subjectPrefix)
    ? identity.subject.slice(subjectPrefix.length)
    : undefined;
}

const subjectPrefix = 'api_key:';

function scopeOf({ scope }: ApiKey): KnownKey['mayUse'] {
  const { apps, methods } = scope;
  const paths: PathScope | undefined = scope.paths && pathScope(scope.paths);
  const speaksOf = (method: string): boolean =>
    methods === undefined || methods.includes(method) || (method === 'HEAD' && methods.includes('GET'));
  return ({ app, method, path, below = false }) =>
    (apps === undefined || apps.includes(app)) &&
    speaksOf(method) &&
    (paths === undefined || (below ? paths.allowsAllBelow(path) : paths.allows(path)));
}

/** The one key of a request; a refusal when there is more than one, or one under a name that only careless servers take for ours. */
function offeredKey({ authorization, fields }: Credentials): string | Rejected | undefined {
  const own = ownField(fields, apiKeyField);
  if (own.kind === 'ambiguous')
    return rejected('api-key-repeated', 'there is more than one X-API-Key field, or a misspelled one');
  const bearer = bearerKey(authorization);
  if (own.kind === 'none') return bearer;
  if (bearer !== undefined)
    return rejected('api-key-repeated', 'there is an API key in X-API-Key and another one in Authorization');
  return own.value;
}

/** RFC 6750, 2.1. Other bearer tokens are another method's. */
function bearerKey(authorization: string | undefined): string | undefined {
  if (authorization === undefined || !/^bearer /i.test(authorization)) return undefined;
  const token = authorization.slice('bearer '.length).trim();
  return token.startsWith(apiKeyPrefix) ? token : undefined;
}

function faultOf(key: ApiKey, now: number): Rejected | undefined {
  if (key.revokedAt !== undefined) return rejected('api-key-revoked', `the API key ${key.id} was revoked`);
  if (key.expiresAt !== undefined && now >= key.expiresAt)
    return rejected('api-key-expired', `the API key ${key.id} has expired`);
  return undefined;
}

function identityOf(key: ApiKey, now: number, lifetimeMs: number): Identity {
  return {
    subject: `${subjectPrefix}${key.id}`,
    account: `key:${key.name}`,
    upn: undefined,
    name: undefined,
    email: undefined,
    sids: [],
    groups: key.groups,
    method: 'api_key',
    authenticatedAt: now,
    expiresAt: key.expiresAt ?? now + lifetimeMs,
  };
}

const rejected = (reason: string, detail: string): Rejected => ({ kind: 'rejected', reason, detail });
