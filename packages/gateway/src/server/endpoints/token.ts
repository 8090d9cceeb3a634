/**
 * `POST /desktop/token` and `POST /auth/token`: whoever can sign in gets a short-lived token for another service
 * (RFC 6749, 5). The sign-in comes with the request, silently by Negotiate; no session begins.
 *
 * @module
 */
import type { ScopedUse } from '../../auth/api-key.ts';
import { csrfField } from '../../auth/csrf.ts';
import type { OwnTokens } from '../../auth/own-token.ts';
import type { RevocationList } from '../../auth/revocation-list.ts';
import type { Identity } from '../../core/identity.ts';
import type { AccessTokenOrigin } from '../../ports/access-tokens.ts';
import { StoreUnavailable } from '../../ports/store-unavailable.ts';
import { type AccessTokenContents, issueAccessToken } from '../../tokens/access-token.ts';
import type { SigningRing } from '../../tokens/signing-ring.ts';
import { type Fields, fieldValues } from '../../wire/fields.ts';
import type { Reply } from '../../wire/http.ts';
import type { Live } from '../live.ts';
import type { LiveSessions } from '../live-sessions.ts';
import type { SignInPlan } from '../sign-in-plan.ts';
import type { Endpoint, EndpointContext } from './endpoint.ts';
import { clientOf, contentsFor, mayHave, type TokenClient } from './token-client.ts';
import { readTokenRequest, type TokenError, tokenGiven, tokenRefused } from './token-request.ts';

export interface TokenEndpointOptions {
  readonly issuer: string;
  readonly clients: readonly TokenClient[];
  readonly ring: SigningRing;
  /** How people show who they are here. */
  readonly plan: SignInPlan;
  /** For seeing that somebody comes with one. */
  readonly own: Pick<OwnTokens, 'claims'>;
  readonly revocations: () => Pick<RevocationList, 'upToDate' | 'earliestIssue' | 'ready'>;
  readonly sessions: Pick<LiveSessions, 'isOwnRequest'>;
  /** Whether the credential that was shown reaches so far: an API key may be for a part of an app alone. */
  readonly mayUse: (identity: Identity, what: ScopedUse, now: number) => boolean | Promise<boolean>;
  /** Counts what became of a request. */
  readonly count: (client: string, result: 'issued' | 'refused' | 'unavailable') => void;
}

/** The endpoints that give tokens, and that say so to whoever does not use POST. */
export function tokenEndpoints(options: TokenEndpointOptions): readonly Endpoint[] {
  const places = [{ path: '/desktop/token', whole: true }, { path: '/token' }] as const;
  return places.flatMap((place) => [tokenEndpoint(place, options), notByPost(place)]);
}

type Place = Pick<Endpoint, 'path' | 'whole'>;

const notByPost = (place: Place): Endpoint => ({
  ...place,
  methods: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  signIn: 'never',
  handle: async (_request, { context: { requestId } }) =>
    tokenRefused(405, 'invalid_request', 'Tokens are given to POST', requestId, { Allow: 'POST' }),
});

function tokenEndpoint(place: Place, options: TokenEndpointOptions): Endpoint {
  return {
    ...place,
    methods: ['POST'],
    signIn: 'passing',
    plan: options.plan,
    audience: 'program',
    // What stands in its place is below: pages have to bring the session's token, and programs have none.
    csrf: 'none',
    refusal: inTheWordsOfOauth,
    handle: (request, about) => giveToken(request, about, options),
  };
}

/** The name of no app, and no method: a token is good for whatever is done with it. */
const noApp = '(issuer)';
const noMethod = '*';

async function giveToken(request: Request, about: EndpointContext, options: TokenEndpointOptions): Promise<Response> {
  const { context, live, record } = about;
  const { now, requestId, path } = context;
  let id = '';
  const refuse = (status: number, error: TokenError, description: string, reason: string): Response => {
    const unavailable = status === 503;
    options.count(id, unavailable ? 'unavailable' : 'refused');
    record({ kind: 'token-refused', client: id, reason });
    return tokenRefused(status, error, description, requestId, unavailable ? { 'Retry-After': '5' } : {});
  };
  if (live === undefined) return refuse(401, 'invalid_client', 'Sign in with the request', 'not-signed-in');
  const read = await readTokenRequest(request);
  if (read.kind === 'wrong') return refuse(400, read.error, read.description, 'bad-request');
  const chosen = clientOf(read.request, options.clients);
  if (chosen.kind === 'refused') return refuse(chosen.status, chosen.error, chosen.description, chosen.reason);
  const { client, audience } = chosen;
  ({ id } = client);

  const page = pageFault(client, live, context.fields, options);
  if (page !== undefined) return refuse(403, 'access_denied', page, 'page');
  // Else a token would be good for ever: one would be had for the other.
  if (isOwnToken(context.authorization, options.own))
    return refuse(403, 'access_denied', 'A token does not get another token', 'own-token');
  const { identity, subject, session } = live;
  // A key for one app, or for reading alone, would else be one for whatever the token is for.
  if (!(await options.mayUse(identity, { app: noApp, method: noMethod, path }, now)))
    return refuse(403, 'access_denied', 'This API key is not good for that', 'key-scope');
  // A token with too few groups would be in use long after the directory is back.
  if (!subject.groupsKnown && (identity.sids.length + identity.groups.length > 0 || session.groupsFrom === 'lookup'))
    return refuse(503, 'temporarily_unavailable', 'The directory cannot be asked now', 'groups-unknown');
  const may = mayHave(client, subject, session.provider);
  if (may.kind === 'refused') return refuse(may.status, may.error, may.description, may.reason);
  const contents = contentsFor(client, read.request, identity.groups);
  if (contents.kind === 'refused')
    return refuse(contents.status, contents.error, contents.description, contents.reason);

  const wantedMs = Math.min(client.lifetimeMs, (read.request.expiresIn ?? Number.POSITIVE_INFINITY) * 1_000);
  const issued = await issueAccessToken(
    options,
    {
      aud: audience,
      sub: identity.account,
      client_id: id,
      groups: contents.groups,
      ...(client.roles ? { roles: [...subject.roles] } : {}),
      ...(contents.scopes.length === 0 ? {} : { scope: contents.scopes.join(' ') }),
      ...(identity.upn === undefined ? {} : { upn: identity.upn }),
      ...(identity.provenAt === undefined ? {} : { auth_time: Math.floor(identity.provenAt / 1_000) }),
      cardea: await originOf(live, now, options),
    } satisfies AccessTokenContents,
    now,
    // Never beyond the sign-in that it was made of.
    Math.min(now + wantedMs, identity.expiresAt),
  );
  if (issued === 'no-key') return refuse(503, 'temporarily_unavailable', 'There is no key to sign with yet', 'no-key');
  if (issued === 'too-long')
    return refuse(
      400,
      'invalid_scope',
      'The groups do not fit into a token: ask for some of them by groups',
      'too-long',
    );
  const { token, claims } = issued;
  options.count(id, 'issued');
  record({
    kind: 'token-issued',
    client: id,
    audience,
    token: claims.jti,
    expiresAt: claims.exp * 1_000,
    groups: claims.groups.length,
  });
  return tokenGiven({
    access_token: token,
    token_type: 'Bearer',
    expires_in: claims.exp - claims.iat,
    ...(claims.scope === undefined ? {} : { scope: claims.scope }),
  });
}

/** What ends the token before its time. Somebody who has just proven who they are is not covered by what was revoked before. */
async function originOf(
  { identity, session, passing }: Live,
  now: number,
  { revocations }: TokenEndpointOptions,
): Promise<AccessTokenOrigin> {
  const { subject, account, upn, authenticatedAt } = identity;
  let at = authenticatedAt;
  if (passing && authenticatedAt >= now) {
    const list = revocations();
    await list.upToDate();
    if (!list.ready) throw new StoreUnavailable('the list of what is revoked has not been read yet');
    at = list.earliestIssue({ subject, account, upn, provider: session.provider }, now);
  }
  const { providerSession, provider } = session;
  return {
    at,
    sub: subject,
    ...(passing ? {} : { sid: session.id }),
    ...(provider === undefined || providerSession === undefined ? {} : { idp: provider, idp_sid: providerSession }),
  };
}

/**
 * Browsers send cookies, and answer Negotiate, for whatever page they show: a script in it could read the token. They also say that they
 * are browsers, by `Origin` (Fetch standard, 3.2) or `Sec-Fetch-Site`; programs do not.
 */
function pageFault(
  client: TokenClient,
  live: Live,
  fields: Fields,
  { sessions }: TokenEndpointOptions,
): string | undefined {
  if (fieldValues(fields, 'origin').length + fieldValues(fields, 'sec-fetch-site').length === 0) return undefined;
  if (!client.pages) return 'Pages in a browser get no token here';
  const [given = '', ...others] = fieldValues(fields, csrfField.toLowerCase());
  return others.length === 0 && sessions.isOwnRequest(live, given)
    ? undefined
    : 'A page has to send the token of the session as X-CSRF-Token';
}

/** Whether somebody comes with a token of ours, whoever else they may be. */
function isOwnToken(authorization: string | undefined, own: TokenEndpointOptions['own']): boolean {
  const [, token] = /^bearer +(.*)$/i.exec(authorization ?? '') ?? [];
  return token !== undefined && own.claims(token.trim());
}

/** What the pipeline answers before the endpoint is asked, with the same status and fields. */
function inTheWordsOfOauth(reply: Reply): Reply {
  const { status } = reply;
  const said = saidIn(reply.body);
  const error: TokenError =
    status === 401
      ? 'invalid_client'
      : status === 403
        ? 'access_denied'
        : status >= 500
          ? 'temporarily_unavailable'
          : 'invalid_request';
  const body = { error, error_description: said.get('message'), request_id: said.get('requestId') };
  return { ...reply, body: `${JSON.stringify(body)}\n` };
}

function saidIn(body: Reply['body']): ReadonlyMap<string, unknown> {
  const value: unknown = typeof body === 'string' && body.startsWith('{') ? JSON.parse(body) : {};
  return new Map(Object.entries(value ?? {}));
}
