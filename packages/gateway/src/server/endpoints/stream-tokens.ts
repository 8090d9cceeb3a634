import type { ScopedUse } from '../../auth/api-key.ts';
import type { StreamTarget, StreamTokens } from '../../auth/stream-token.ts';
import type { Identity } from '../../core/identity.ts';
import { canonicalPath } from '../../wire/path.ts';
import type { App } from '../apps.ts';
import { jsonReply, toResponse } from '../replies.ts';
import type { RequestContext } from '../request-context.ts';
import { isTakenHere } from '../taken-here.ts';
import type { Endpoint } from './endpoint.ts';
import { readTexts } from './texts.ts';

export interface StreamTokensOptions {
  readonly tokens: StreamTokens;
  readonly lifetimeMs: number;
  /** The app that answers for a path of a host. */
  readonly appAt: (host: string, path: string) => App | undefined;
  /** Whether a path is one of the gateway's own. */
  readonly isOwnPath: (path: string) => boolean;
  /** Whether the credential that was shown reaches so far: an API key may be for a part of an app alone. */
  readonly mayUse: (identity: Identity, what: ScopedUse, now: number) => boolean | Promise<boolean>;
}

/**
 * `POST /auth/stream-tokens`: exchanges a session, an API key or another credential for a token that can be put into the
 * address of one event stream or WebSocket. `path` is that address without its query; with `below=true` everything
 * below it counts as well. What the person may do there is decided when the token is used.
 */
export function issueStreamToken(options: StreamTokensOptions): Endpoint {
  return {
    path: '/stream-tokens',
    methods: ['POST'],
    signIn: 'required',
    async handle(request, { context, live, record }) {
      const { now, requestId } = context;
      const refuse = (status: number, error: string, message: string): Response =>
        toResponse(jsonReply(status, { error, message, requestId }));
      if (live === undefined) return refuse(401, 'not-signed-in', 'Sign in first');
      const read = await readTexts(request, ['path', 'app', 'below']);
      if (read.kind === 'wrong') return refuse(read.status, 'bad-request', read.message);
      const found = targetOf(read.texts, context, options);
      if (found.kind === 'wrong') return refuse(400, found.error, found.message);

      const { target, app, parameter } = found;
      const what = { app: app.name, method: 'GET', path: target.path, below: target.below };
      if (!isTakenHere(app, live) || !(await options.mayUse(live.identity, what, now)))
        return refuse(403, 'not-allowed', 'This credential is not good for that path');
      // Names that the directory can give again are left out of the session, as in a cookie.
      const token = options.tokens.issue(target, { ...live.session, identity: live.identity }, now);
      if (token === undefined)
        return refuse(403, 'too-many-groups', 'The names of your groups do not fit into an address');
      record({ kind: 'stream-token-issued', path: target.path, below: target.below });
      return Response.json(
        {
          token,
          expires_in: Math.floor(Math.min(options.lifetimeMs, live.identity.expiresAt - now) / 1000),
          url: `${target.path}?${parameter}=${token}`,
        },
        { headers: { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } },
      );
    },
  };
}

type FoundTarget =
  | { readonly kind: 'ok'; readonly target: StreamTarget; readonly app: App; readonly parameter: string }
  | { readonly kind: 'wrong'; readonly error: string; readonly message: string };

function targetOf(
  texts: ReadonlyMap<string, string>,
  { host }: RequestContext,
  { appAt, isOwnPath }: StreamTokensOptions,
): FoundTarget {
  const wrong = (error: string, message: string): FoundTarget => ({ kind: 'wrong', error, message });
  const given = texts.get('path');
  const below = texts.get('below') ?? 'false';
  if (given === undefined || !given.startsWith('/'))
    return wrong('bad-path', 'path is missing, or does not begin with /');
  if (below !== 'true' && below !== 'false') return wrong('bad-request', 'below is neither true nor false');
  const canonical = canonicalPath(given);
  if (canonical.kind === 'refused')
    return wrong(
      'bad-path',
      `path is no path that a request can have: ${canonical.reason}. A query does not belong to it`,
    );
  const path = below === 'true' && canonical.path.length > 1 ? canonical.path.replace(/\/$/, '') : canonical.path;
  const app = isOwnPath(path) ? undefined : appAt(host, path);
  const asked = texts.get('app');
  if (app === undefined || (asked !== undefined && asked !== app.name))
    return wrong('bad-path', 'No such app answers at this path of this host');
  const parameter = app.signIn === 'none' ? undefined : app.signIn.streamParameter;
  if (parameter === undefined) return wrong('no-stream-tokens', 'This app takes no stream tokens');
  return { kind: 'ok', target: { app: app.name, path, below: below === 'true' }, app, parameter };
}
