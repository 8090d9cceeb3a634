/** A token as it is kept. Times in milliseconds since the epoch, by the clock of this machine. */
export interface KeptToken {
  readonly value: string;
  readonly receivedAt: number;
  readonly expiresAt: number;
}

/** Where tokens are kept besides the memory of the client. */
export interface TokenCache {
  /** What was kept for this key last. */
  read(key: string): Promise<KeptToken | undefined>;
  /** Keeps it; without a token, forgets the one there is. A failure is no reason to have no token. */
  write(key: string, token: KeptToken | undefined): Promise<void>;
}
