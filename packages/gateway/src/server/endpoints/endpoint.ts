/**
 * Our own endpoints on every app's host: fetch-style handlers below the reserved
 * prefix. A new one is a file and a line in the registry of the composition root.
 *
 * @module
 */
import type { SessionOrigin } from '../../auth/session.ts';
import type { EventParticulars } from '../../core/audit-event.ts';
import type { Identity } from '../../core/identity.ts';
import type { Fields } from '../../wire/fields.ts';
import type { Reply } from '../../wire/http.ts';
import type { App } from '../apps.ts';
import type { Live } from '../live.ts';
import type { RequestContext } from '../request-context.ts';
import type { SignInOffer, SignInPlan } from '../sign-in-plan.ts';

export interface EndpointContext {
  readonly context: RequestContext;
  readonly app: App;
  /** Who is signed in, if anybody is. */
  readonly live: Live | undefined;
  /** How to sign in to the app at this target (path and query) of the host; the host's ways when no app is there. */
  readonly offerFor: (target: string) => SignInOffer;
  /** Whether who is signed in need not sign in again at this target: apps of one host may differ in how people sign in. */
  readonly isGoodAt: (target: string) => boolean;
  /**
   * Begins a session for somebody who has just proven who they are: always a new one, so that one planted beforehand is worth
   * nothing; the one that the browser had ends. `returnTo`: the target that they wanted, which tells the app.
   */
  readonly begin: (
    identity: Identity,
    origin: SessionOrigin,
    returnTo: string,
  ) => Promise<{ readonly live: Live; readonly cookies: Fields }>;
  /** Writes an audit event; about the person who asks, or about another one. */
  readonly record: (event: EventParticulars, about?: Live) => void;
}

export interface Endpoint {
  /** Below the prefix, e.g. `/login`; or whole, where a standard fixes the path (`/.well-known/...`), or `whole` says so. */
  readonly path: string;
  readonly whole?: true;
  /** Only on this host. Default: on all that have endpoints. */
  readonly host?: string;
  readonly methods: readonly string[];
  /**
   * Who asks: `required` signs a visitor in first (silently, or by the form), `if-any` looks whether there is a session,
   * `never` looks at nothing, so that the answer may be shared. `passing`: as `required`, and no session begins.
   */
  readonly signIn: 'required' | 'passing' | 'if-any' | 'never';
  /** How people sign in here. Default: in all ways that the apps of the host have. */
  readonly plan?: SignInPlan;
  /** Whoever asks is a program, whatever it accepts: no pages, no redirects. */
  readonly audience?: 'program';
  /** What stands in the place of the usual answer to whoever is refused, or is to sign in first; the status stays. */
  readonly refusal?: (reply: Reply) => Reply;
  /**
   * `none` for requests that come without a session by their nature. All others that change something must bring the session's
   * token (`X-CSRF-Token`, or the form's field `csrf`), when it is a session cookie that signs them in.
   */
  readonly csrf?: 'none';
  handle(request: Request, about: EndpointContext): Promise<Response>;
}

/**
 * The endpoint for a request; `undefined` when the path is the app's own, `'unknown'` when
 * it is reserved but nothing is there: the app never sees a reserved path.
 */
export function findEndpoint(
  endpoints: readonly Endpoint[],
  context: Pick<RequestContext, 'path' | 'host' | 'head'>,
  prefix: string,
): Endpoint | 'unknown' | undefined {
  const { path, host } = context;
  const { method } = context.head;
  for (const endpoint of endpoints) {
    const isWhole = endpoint.whole === true || endpoint.path.startsWith('/.well-known/');
    const isHere = endpoint.host === undefined || endpoint.host === host;
    if (path === (isWhole ? endpoint.path : prefix + endpoint.path) && isHere && endpoint.methods.includes(method))
      return endpoint;
  }
  return isReserved(path, prefix) ? 'unknown' : undefined;
}

/** Whether a path is one of ours, whatever is there. */
export function isReserved(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}
