/** What attempts are counted by, and how many of them there may be within a window of time. */
export interface Limited {
  /** What the key is: keys of different kinds are different ones. Each kind has one limit at a time. */
  readonly kind: 'name-and-address' | 'address' | 'name' | 'domain-lockout';
  readonly key: string;
  /** Attempts allowed within the window, which begins with the first of them. */
  readonly limit: number;
  readonly windowMs: number;
}

/** Counts attempts to guess something, such as a password. Never rejects: what cannot be shared is counted here. */
export interface Attempts {
  /**
   * Begins one attempt, which counts for all of these or, when one of them has had too many, for none. How long to wait, in
   * milliseconds; 0 when it may be made. Counted when it begins, and by one step, so that a hundred parallel guesses do not
   * all pass before the first has failed.
   */
  begin(limited: readonly Limited[], now: number): number | Promise<number>;
  /**
   * Takes back the one attempt that has succeeded or was never made (`forgive`), and forgets a key whose owner has proven
   * who they are (`clear`).
   */
  release(what: { readonly forgive: readonly Limited[]; readonly clear: readonly Limited[] }): void | Promise<void>;
}
