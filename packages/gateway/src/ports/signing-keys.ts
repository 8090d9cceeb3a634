/**
 * Where the issuer's keys are kept, sealed, for all threads and replicas: one text, and a number that goes up whenever it is replaced,
 * so that two who make a new key at the same time do not both win.
 *
 * @module
 */

export interface KeptKeys {
  readonly version: number;
  /** Sealed. */
  readonly text: string;
}

/** Both operations throw `StoreUnavailable`. */
export interface SigningKeyStore {
  /** `undefined` while nothing has been kept. */
  read(): KeptKeys | undefined | Promise<KeptKeys | undefined>;
  /** Keeps `text` in the place of what has `version` (`undefined`: of nothing). False when somebody else was first. */
  replace(version: number | undefined, text: string): boolean | Promise<boolean>;
}
