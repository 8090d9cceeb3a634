/**
 * How much somebody may use an app: requests and tokens in a time, requests at the same
 * time. One limiter counts for all threads of a process, or for all replicas.
 *
 * @module
 */

/** The limits of one key. What is absent is not limited. */
export interface Limits {
  /** Requests within any 60 seconds. */
  readonly requestsPerMinute?: number | undefined;
  /** Requests in progress at the same time. */
  readonly concurrent?: number | undefined;
  /** Tokens within any 60 seconds. */
  readonly tokensPerMinute?: number | undefined;
  /** Tokens of one day, which begins at midnight UTC. */
  readonly tokensPerDay?: number | undefined;
}

/** What a request has to pass: somebody or something that is counted, with its limits. */
export interface LimitCheck extends Limits {
  /** `person:…`, `group:…` or `key:…`. */
  readonly key: string;
}

export const limitNames = ['requests-per-minute', 'concurrent', 'tokens-per-minute', 'tokens-per-day'] as const;
export type LimitName = (typeof limitNames)[number];

/** What holds while the limits cannot be shared: those of this process alone, none, or nobody passes. */
export type WhenUnshared = 'local' | 'allow' | 'refuse';

export interface AcquireRequest {
  readonly app: string;
  readonly checks: readonly LimitCheck[];
  /** A name of one's own for this request, never used before. */
  readonly lease: string;
  /** The lease ends by itself so long after it was given or renewed. */
  readonly leaseMs: number;
  /** Tokens to reserve until `release` says how many they were. */
  readonly tokens: number;
  /** Default: `local`. */
  readonly whenUnshared?: WhenUnshared | undefined;
}

/** What a limit leaves after this request. */
export interface LimitLeft {
  readonly key: string;
  readonly limit: LimitName;
  readonly allowed: number;
  readonly left: number;
  /** When all of it is there again; absent for what ends with requests in progress, and where it comes back bit by bit. */
  readonly resetMs?: number | undefined;
}

export interface Granted {
  readonly granted: true;
  readonly left: readonly LimitLeft[];
  /** It was not counted together with the other replicas: their store cannot be asked. */
  readonly unshared: boolean;
}

export interface LimitRefusal {
  readonly granted: false;
  /** Of several limits that refuse, the one with the longest wait. */
  readonly key: string;
  readonly limit: LimitName;
  readonly allowed: number;
  /** `undefined`: it would never be granted, because it asks for more tokens than the limit has. */
  readonly retryAfterMs: number | undefined;
  readonly unshared: boolean;
}

export type Acquired = Granted | LimitRefusal;

/** Counts. Each method is one step for whoever else asks. */
export interface Limiter {
  /**
   * Counts a request for all of its checks or, when one of them has no room, for none. Throws `StoreUnavailable` where
   * the limits cannot be shared and `whenUnshared` is `refuse`, and where whoever counts for all threads has ended.
   */
  acquire(request: AcquireRequest): Acquired | Promise<Acquired>;
  /** Gives leases of this process another `leaseMs`. Those that were never given, or were released, stay so. Never rejects. */
  renew(leases: readonly string[], leaseMs: number): void | Promise<void>;
  /**
   * Ends a request: its place is free. `tokens` is how many it has used, in the place of those that were reserved; without,
   * these count. To release twice, or what was never given, does nothing. Never rejects.
   */
  release(lease: string, used: { readonly tokens?: number | undefined }): void | Promise<void>;
  close(): void | Promise<void>;
}
