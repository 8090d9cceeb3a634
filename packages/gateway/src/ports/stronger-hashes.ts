/**
 * Password hashes that were made anew with higher parameters when their owners signed in. The users file stays as its owner
 * has written it; each of these stands in for one hash of that file, for as long as it is in there.
 */
export interface StrongerHashes {
  /** What stands in for the hash of this user (by canonical name) that has this digest. */
  find(name: string, replaces: string): string | undefined;
  put(name: string, replaces: string, hash: string): void;
  /** Forgets all that stand in for other hashes than these. */
  keepOnly(current: readonly { readonly name: string; readonly replaces: string }[]): void;
}
