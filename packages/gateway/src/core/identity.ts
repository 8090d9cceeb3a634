/**
 * Who is there. Made once by a sign-in method, sealed into the session, read by
 * policy and turned into headers; nobody else makes one.
 *
 * @module
 */
export interface Identity {
  /** The stable key of this person: the SID for Windows users, `issuer|sub` for OpenID Connect, else `method:name`. */
  readonly subject: string;
  /** `CORP\alice`: what most applications on an Active Directory network expect. */
  readonly account: string;
  /** `alice@corp.example`, when known. */
  readonly upn: string | undefined;
  /** Display name, when known. */
  readonly name: string | undefined;
  readonly email: string | undefined;
  /** Every SID that stands for a group of this person. Empty for people who do not come from Windows. */
  readonly sids: readonly string[];
  /** Names of groups; what policies speak. SIDs that no directory could name are absent here. */
  readonly groups: readonly string[];
  /** The sign-in method: `negotiate`, `password`, ... */
  readonly method: string;
  /** When this was issued: what revocations compare with. Milliseconds since the epoch. */
  readonly authenticatedAt: number;
  /**
   * When the person last proved who they are, as far as the method knows: what `max_age` counts from. Absent: not known, and
   * never recent enough. Milliseconds since the epoch.
   */
  readonly provenAt?: number | undefined;
  /** The end of the session, whatever happens in it. Milliseconds since the epoch. */
  readonly expiresAt: number;
}
