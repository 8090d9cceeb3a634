import type { Person } from './directory.ts';

/** What is known of somebody who is to be found in a directory. At least one of them is given. */
export interface PersonKeys {
  readonly sid: string | undefined;
  /** `alice@corp.example`. */
  readonly upn: string | undefined;
  /** `CORP\alice`, in its two parts. */
  readonly account: { readonly domain: string; readonly name: string } | undefined;
  /** Only where the configuration trusts the sign-in method with e-mail addresses. */
  readonly email: string | undefined;
}

/**
 * Whether an account is good for signing in. `locked`: after too many wrong passwords, for a while; anybody can bring that
 * about. `unknown`: the directory does not show it to us.
 */
export type AccountState = 'active' | 'locked' | 'disabled' | 'expired' | 'unknown';

export interface FoundPerson extends Person {
  /** The stable key; `undefined` where the directory has none. */
  readonly sid: string | undefined;
  /** `CORP\alice`, where the directory has such names. */
  readonly account: string | undefined;
  readonly state: AccountState;
  /**
   * Every group that the person is in, also by way of other groups. Where the directory itself has names for them, they are
   * here. `undefined`: the directory does not show them to us.
   */
  readonly groups: readonly { readonly sid: string | undefined; readonly name: string | undefined }[] | undefined;
}

/** What became of looking for somebody. `why` is for the administrator. */
export type Search =
  | { readonly kind: 'found'; readonly person: FoundPerson }
  | { readonly kind: 'none'; readonly why: string }
  /** More than one account fits: none of them is taken. */
  | { readonly kind: 'several'; readonly why: string };

/** Finds people with all their groups. Remembers nothing. */
export interface People {
  /**
   * By the SID alone where there is one, since it is exact; else by UPN and account together; else by e-mail address.
   * Throws `DirectoryError` when the directory cannot be asked.
   */
  find(keys: PersonKeys, now: number): Promise<Search>;
}
