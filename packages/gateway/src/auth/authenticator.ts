import type { Identity } from '../core/identity.ts';
import type { Connection } from '../wire/http.ts';

/**
 * What one sign-in method makes of one request. It returns header values as data
 * and never touches the response, so trying several in turn needs no undoing.
 *
 * - `absent`: no credential of this kind. The next method is asked.
 * - `accepted`: it is this person. `replyHeader` goes out as `WWW-Authenticate` (RFC 4559, mutual authentication).
 * - `continue`: a further leg is needed; answer 401 with `replyHeader` alone.
 * - `rejected`: a credential of this kind, and a bad one. Nobody else is asked.
 *
 * A technical failure (store down, directory silent) is thrown, never returned.
 */
export type Outcome =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'accepted';
      readonly identity: Identity;
      readonly replyHeader: string | undefined;
      /** For the audit log: something unusual that did not prevent the sign-in. */
      readonly note: string | undefined;
    }
  | { readonly kind: 'continue'; readonly replyHeader: string }
  | {
      readonly kind: 'rejected';
      /** Stable code for audit and metrics. */
      readonly reason: string;
      /** For the administrator, never for the client. */
      readonly detail: string;
      readonly replyHeader: string | undefined;
    };

/** What a request carries, as far as sign-in methods may see it. */
export interface Credentials {
  /** The one `Authorization` field; `undefined` when absent (more than one is refused before). */
  readonly authorization: string | undefined;
  readonly connection: Connection;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface Authenticator {
  readonly name: string;
  /** Value for `WWW-Authenticate` when everyone answered `absent`; `undefined` when the method has none (a form). */
  readonly challenge: string | undefined;
  authenticate(credentials: Credentials): Promise<Outcome>;
}

/** Asks each method in configured order; the first that is not `absent` decides. */
export async function authenticate(
  authenticators: readonly Authenticator[],
  credentials: Credentials,
): Promise<Outcome & { readonly method: string | undefined }> {
  for (const authenticator of authenticators) {
    const outcome = await authenticator.authenticate(credentials);
    if (outcome.kind !== 'absent') return { ...outcome, method: authenticator.name };
  }
  return { kind: 'absent', method: undefined };
}
