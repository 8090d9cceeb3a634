/** Remembers what was used once, until it could not be used anyway. Shared by every thread and replica. */
export interface ReplayCache {
  /**
   * One atomic claim: true for the first caller with this key, false for every other until `expiresAt`
   * (milliseconds since the epoch). When it cannot tell (store down, full), it throws; the caller refuses.
   */
  claim(key: string, expiresAt: number): boolean | Promise<boolean>;
  close(): void | Promise<void>;
}
