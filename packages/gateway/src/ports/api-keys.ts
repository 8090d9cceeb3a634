/** What a key may do beyond what its groups open in apps. `check`: ask about other people (`POST /auth/check`). */
export const apiKeyRights = ['check'] as const;
export type ApiKeyRight = (typeof apiKeyRights)[number];

/** What is kept of an API key. The key itself is shown once, to whoever made it, and is nowhere afterwards. */
export interface ApiKey {
  /** Ten letters and digits; they stand in the key, so that it can be found without being searched for. */
  readonly id: string;
  /** SHA-256 of the whole key. The key is random, so that nothing slower is needed to keep it from being guessed. */
  readonly hash: Uint8Array;
  /** What the key is for: `nightly-export`. Apps get `key:nightly-export` as the account. */
  readonly name: string;
  /** Who answers for it. */
  readonly owner: string;
  readonly scope: ApiKeyScope;
  /** Names of groups that it belongs to. */
  readonly groups: readonly string[];
  readonly rights: readonly ApiKeyRight[];
  /** All times in milliseconds since the epoch. */
  readonly createdAt: number;
  /** `undefined`: never. */
  readonly expiresAt: number | undefined;
  readonly lastUsedAt: number | undefined;
  readonly revokedAt: number | undefined;
}

/** What a key is good for, before policy has its say. `undefined` stands for all; an empty list for none. */
export interface ApiKeyScope {
  /** Names of apps. */
  readonly apps: readonly string[] | undefined;
  /** Paths as rules write them. */
  readonly paths: readonly string[] | undefined;
  /** In upper case. `GET` speaks for `HEAD` as well. */
  readonly methods: readonly string[] | undefined;
}

/** When a key was last used. */
export interface ApiKeyUse {
  readonly id: string;
  readonly at: number;
}

/** The API keys of a gateway, shared by every thread and replica. Every operation throws when the store cannot be used. */
export interface ApiKeys {
  /** Keeps a new key. False when there is one with this id. */
  create(key: ApiKey): boolean | Promise<boolean>;
  /** Revoked and expired ones as well. */
  find(id: string): ApiKey | undefined | Promise<ApiKey | undefined>;
  /** All of them, newest first. */
  list(): readonly ApiKey[] | Promise<readonly ApiKey[]>;
  /** True when the key was good before; false when there is none, or it was revoked already. */
  revoke(id: string, now: number): boolean | Promise<boolean>;
  /** Writes down uses, many at once. One that is older than what is written changes nothing. */
  used(uses: readonly ApiKeyUse[]): void | Promise<void>;
  close(): void | Promise<void>;
}
