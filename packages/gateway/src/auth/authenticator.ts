import type { Identity } from '../core/identity.ts';
import type { Fields } from '../wire/fields.ts';
import type { Connection } from '../wire/http.ts';
import type { Issued } from './revocation-list.ts';

/** The kinds of sign-in methods: what policies, audit and metrics call them. */
export type MethodKind =
  | 'negotiate'
  | 'password'
  | 'oidc'
  | 'api_key'
  | 'bearer'
  | 'stream_token'
  | 'approval'
  | 'trusted_header'
  | 'client_certificate'
  | 'development';

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
  | Accepted
  | { readonly kind: 'continue'; readonly replyHeader: string }
  | Rejected;

export interface Accepted {
  readonly kind: 'accepted';
  readonly identity: Identity;
  readonly replyHeader?: string | undefined;
  /** For the audit log: something unusual that did not prevent the sign-in. */
  readonly note?: string | undefined;
  /**
   * Spends a credential that is good for one use: one atomic claim, true for the first caller. Called after policy has
   * allowed the request, so that a refused request spends nothing; without it the credential may be used again.
   */
  readonly spend?: (() => boolean | Promise<boolean>) | undefined;
  /**
   * What is made of this identity (roles, header block) may be kept in memory until then (milliseconds since the epoch) and
   * used for the same credential. `key` is the whole credential, or a SHA-256 of all of it. Only for methods of scope `request`.
   */
  readonly reuse?: { readonly key: string; readonly until: number } | undefined;
  /** What the person of this identity has approved, who is not the one who asks. For the audit log. */
  readonly approves?: { readonly action: string; readonly job: string } | undefined;
  /** Header fields about this credential for the app, such as who approved what. Only for methods of scope `request`. */
  readonly fields?: Fields | undefined;
  /** A session begins, unless the same person has one: requests without this credential are to be known as well. */
  readonly beginsSession?: boolean | undefined;
  /** The entry that began the sign-in of which this credential was made; default: the entry that accepts it. */
  readonly provider?: string | undefined;
  /** The sign-in that this credential was made of, where its end is the credential's end as well. */
  readonly madeOf?: { readonly id: string; readonly providerSession: string | undefined } | undefined;
  /** What ends the credential as soon as it is revoked, beside its person, where the credential says so itself. */
  readonly restsOn?: RestsOn | undefined;
  /** When the credential ends by itself, where it does: the identity may be meant to end sooner. Milliseconds since the epoch. */
  readonly goodUntil?: number | undefined;
  /** The credential tells no groups: all of the person's are asked of the directory. */
  readonly lookUpGroups?: boolean | undefined;
}

/** What a credential was made of: nothing of it may have been revoked. */
export interface RestsOn {
  readonly issued: readonly Issued[];
  /** The id of an API key. */
  readonly keyId: string | undefined;
}

export interface Rejected {
  readonly kind: 'rejected';
  /** Stable code for audit and metrics. */
  readonly reason: string;
  /** For the administrator, never for the client. */
  readonly detail: string;
  readonly replyHeader?: string | undefined;
}

/** What a request carries, as far as sign-in methods may see it. */
export interface Credentials {
  /** The one `Authorization` field; `undefined` when absent (more than one is refused before). */
  readonly authorization: string | undefined;
  /** All fields as received, those that claim an identity among them: believe them from configured peers alone. */
  readonly fields: Fields;
  /** The stream token that was taken out of the query. */
  readonly streamToken: string | undefined;
  readonly connection: Connection;
  /** The client's address, after trusted proxies were taken into account. */
  readonly address: string;
  /** The name of the app that is asked for. */
  readonly app: string;
  readonly method: string;
  /** The canonical path, as policy sees it. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface Authenticator {
  /** The name of its entry in the configuration, such as `entra`; the kind, where an entry has no name. */
  readonly id: string;
  readonly kind: MethodKind;
  /**
   * `session`: asked when there is no session; success begins one. `request`: its credential comes with each request, is judged
   * before the session cookie is looked at, and begins no session.
   */
  readonly scope: 'session' | 'request';
  /** Value for `WWW-Authenticate` when everyone answered `absent`; `undefined` when the method has none (a form). */
  readonly challenge: string | undefined;
  /** Names of request fields, in lower case, that carry this method's credential and no app may see. */
  readonly ownFields?: readonly string[];
  /** The scheme of `Authorization`, in lower case, that carries this method's credential and no app may see. */
  readonly ownScheme?: string;
  /** At once where it can: `absent` always is. */
  authenticate(credentials: Credentials): Outcome | Promise<Outcome>;
}
