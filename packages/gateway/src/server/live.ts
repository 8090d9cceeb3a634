import type { PreparedFields } from '@cardea/http1';
import type { Issued } from '../auth/revocation-list.ts';
import type { Session } from '../auth/session.ts';
import type { Identity } from '../core/identity.ts';
import type { Subject } from '../policy/subject.ts';
import type { App } from './apps.ts';

/** One signed-in person with everything that requests need of them. */
export interface Live {
  readonly session: Session;
  /** With group names. */
  readonly identity: Identity;
  readonly subject: Subject;
  /** Says why some groups have no name, when some have none. */
  readonly note: string | undefined;
  /** When the groups were named. A renewal does not make them younger. */
  readonly namedAt: number;
  /** The credential came with the request itself, and there is no session. */
  readonly passing: boolean;
  /** The request itself showed who asks, and nothing that was given to them before. */
  readonly shown?: boolean;
  /** The registry holds the session, and the cookie only names it. */
  readonly inRegistry?: boolean;
  /** The sign-in that a passing credential was made of, for whoever wants to know whether that still holds. */
  readonly madeOf?: Session | undefined;
  /** What else a passing credential was made of: when one of these is revoked, it is good no more. */
  readonly restsOn?: readonly Issued[] | undefined;
  /** The API keys that came with the request, or that a credential was made of. */
  readonly keys?: readonly LiveKey[] | undefined;
  readonly headers: Map<App, { readonly fields: PreparedFields; readonly until: number }>;
}

/** An API key behind a request. */
export interface LiveKey {
  readonly id: string;
  /** When it ends by itself. `undefined`: when the credential does that was made of it, or never. */
  readonly until: number | undefined;
}

/** What is kept in memory under a cookie or another credential. */
export interface Held {
  readonly live: Live;
  /** The list of what is revoked, as it was when this was last looked up in it. */
  goodAt: number;
}

/** What of a session says whether it has been revoked. */
export function issuedOf({ id, identity, provider, providerSession }: Session): Issued {
  const { subject, account, upn, authenticatedAt: issuedAt } = identity;
  return { id, subject, account, upn, issuedAt, provider, providerSession };
}
