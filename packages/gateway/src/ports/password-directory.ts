/** Why somebody whose password was right may not sign in. */
export type Barred =
  | 'password-expired'
  | 'password-must-change'
  | 'account-disabled'
  | 'account-expired'
  | 'not-at-this-time'
  | 'not-from-this-machine';

/** What a directory makes of a name and a password. `detail` is for the audit log alone. */
export type PasswordVerdict =
  | {
      readonly kind: 'right';
      readonly sid: string;
      readonly account: string;
      readonly upn: string | undefined;
      readonly name: string | undefined;
      readonly email: string | undefined;
    }
  | { readonly kind: 'wrong'; readonly detail: string }
  /** The password was right, so that telling the person why gives nothing away. */
  | { readonly kind: 'barred'; readonly reason: Barred; readonly detail: string }
  /** Too many are being asked about at the same time. */
  | { readonly kind: 'busy' };

/** A directory that tells whether a password is right. */
export interface PasswordDirectory {
  /** An unknown name takes the same steps as a known one. Throws `DirectoryError` when the directory cannot be asked. */
  check(name: string, password: string, now: number): Promise<PasswordVerdict>;
  /** `alice` for `corp\alice` and `alice@corp.example`, so that every spelling counts as one; other names as they are. */
  shortName(canonical: string): string;
}
