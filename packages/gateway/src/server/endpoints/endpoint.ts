/**
 * Our own endpoints on every app's host: fetch-style handlers below the reserved
 * prefix. A new one is a file and a line in the registry of the composition root.
 *
 * @module
 */
import type { EventParticulars } from '../../core/audit-event.ts';
import type { App } from '../apps.ts';
import type { Live } from '../live-sessions.ts';
import type { RequestContext } from '../request-context.ts';

export interface EndpointContext {
  readonly context: RequestContext;
  readonly app: App;
  /** Who is signed in, if anybody is. */
  readonly live: Live | undefined;
  /** Writes an audit event; about the person who asks, or about another one. */
  readonly record: (event: EventParticulars, about?: Live) => void;
}

export interface Endpoint {
  /** Below the prefix, e.g. `/login`; or whole, where a standard fixes the path (`/.well-known/...`). */
  readonly path: string;
  readonly methods: readonly string[];
  /**
   * Who asks: `required` signs a visitor in first (silently, or by the form), `if-any` looks whether there is a session,
   * `never` looks at nothing, so that the answer may be shared.
   */
  readonly signIn: 'required' | 'if-any' | 'never';
  handle(request: Request, about: EndpointContext): Promise<Response>;
}

/**
 * The endpoint for a request; `undefined` when the path is the app's own, `'unknown'` when
 * it is reserved but nothing is there: the app never sees a reserved path.
 */
export function findEndpoint(
  endpoints: readonly Endpoint[],
  context: Pick<RequestContext, 'path' | 'head'>,
  prefix: string,
): Endpoint | 'unknown' | undefined {
  const { path } = context;
  const { method } = context.head;
  for (const endpoint of endpoints) {
    const whole = endpoint.path.startsWith('/.well-known/') ? endpoint.path : prefix + endpoint.path;
    if (path === whole && endpoint.methods.includes(method)) return endpoint;
  }
  return isReserved(path, prefix) ? 'unknown' : undefined;
}

/** Whether a path is one of ours, whatever is there. */
export function isReserved(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}
