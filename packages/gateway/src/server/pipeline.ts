/**
 * The way of a request. Its steps, in this order, are the whole security order:
 *
 *  1. parse strictly, one canonical host and path, the client's address, identity
 *     fields removed (`request-context.ts`)
 *  2. find the app
 *  3. our own endpoints branch off here (`endpoints/`)
 *  4. Origin: before any ambient credential is looked at, so that another site's page cannot even sign a browser in
 *  5. read credentials: the session cookie, then each sign-in method in configured order
 *  6. decide
 *  7. add identity fields and the signed assertion
 *  8. forward; record
 *
 * Pages, API calls, event streams and upgrades take the same steps.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { type Authenticator, authenticate } from '../auth/authenticator.ts';
import { checkOrigin } from '../auth/origin.ts';
import type { EventParticulars } from '../core/audit-event.ts';
import { decide } from '../policy/decide.ts';
import { anonymous } from '../policy/subject.ts';
import type { AuditSink } from '../ports/audit-sink.ts';
import { readCookie, withoutCookies, withoutSetCookies } from '../wire/cookies.ts';
import { type Fields, fieldValues } from '../wire/fields.ts';
import { wantsPage } from '../wire/accepts.ts';
import { forwardedFields } from '../wire/forwarded.ts';
import type { Completion, Forward, Handler, Reply, RequestHead, UpstreamFailure, Verdict } from '../wire/http.ts';
import { endToEndTrailers } from '../wire/trailers.ts';
import { notAllowed, notSignedIn, problem, type SignInOffer } from './answers.ts';
import { type App, findApp, withoutPathParameters } from './apps.ts';
import { type Endpoint, findEndpoint, isReserved } from './endpoints/endpoint.ts';
import { type Live, type LiveSessions, sessionCookieName } from './live-sessions.ts';
import type { Metrics } from './metrics.ts';
import { type BadRequest, type ReadingOptions, type RequestContext, readRequest } from './request-context.ts';

export interface PipelineParts {
  readonly apps: readonly App[];
  readonly endpoints: readonly Endpoint[];
  readonly reading: ReadingOptions;
  readonly authenticators: readonly Authenticator[];
  readonly offer: SignInOffer;
  readonly sessions: LiveSessions;
  readonly audit: AuditSink;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** For the log: a client went away in the middle of a request or a response. */
  readonly onClientLeft: (details: Readonly<Record<string, string | number>>) => void;
}

/** Who asks, as far as credentials tell; or the answer, when the credentials alone decide it. */
export type Visitor =
  | { readonly kind: 'anonymous'; readonly responseFields: Fields }
  | { readonly kind: 'signed-in'; readonly live: Live; readonly responseFields: Fields }
  | { readonly kind: 'answered'; readonly reply: Reply };

/** Judges every request to an app. */
export class Pipeline implements Handler {
  readonly #parts: PipelineParts;
  /** What is on its way to an app, so that the page about a failure bears the number that the audit log has. */
  readonly #forwarded = new WeakMap<RequestHead, RequestContext>();

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  decide(head: RequestHead): Verdict | Promise<Verdict> {
    const { apps, endpoints, reading, offer, now } = this.#parts;
    const context = readRequest(head, now(), reading);
    if ('kind' in context) return this.#badRequest(head, context);

    const endpoint = findEndpoint(endpoints, context, offer.prefix);
    const app = findApp(apps, context.host, endpoint === undefined ? context.path : undefined);
    if (app === undefined) return this.#refuse(context, undefined, 'no-app', unknownAddress(context));
    if (endpoint === 'unknown') return this.#refuse(context, app, 'no-endpoint', unknownAddress(context));
    if (endpoint !== undefined) return this.#endpoint(context, app, endpoint);

    // A server that drops path parameters would take `/risk;x/` for a path of another app, or for one of ours.
    const plain = withoutPathParameters(context.path);
    if (plain !== context.path && (findApp(apps, context.host, plain) !== app || isReserved(plain, offer.prefix)))
      return this.#refuse(context, app, 'path-ambiguous', ambiguous(context));

    const open = decide(app.policy, anonymous, head.method, context.path).allow;
    const origin = this.#checkOrigin(context, app);
    if (origin !== undefined && !open) return this.#refuse(context, app, origin, crossSite(context));

    // Where everybody is welcome nobody is asked to sign in; a session that is there anyway is told to the
    // app, unless another site's page caused the request.
    const visitor: Visitor | Promise<Visitor> = open
      ? origin === undefined
        ? this.#bySession(context)
        : nobody
      : this.#visitor(context, app);
    return visitor instanceof Promise
      ? visitor.then((found) => this.#judge(context, app, found))
      : this.#judge(context, app, visitor);
  }

  upstreamFailed(head: RequestHead, failure: UpstreamFailure): Reply {
    const late = failure.code === 'connect-timeout' || failure.code === 'response-timeout';
    const about = this.#forwarded.get(head) ?? ({ audience: 'program', requestId: undefined } as const);
    return problem(about, late ? 504 : 502, {
      error: late ? 'upstream-timeout' : 'upstream-unreachable',
      title: late ? 'The application does not answer' : 'The application cannot be reached',
      text: 'You did nothing wrong. Please try again in a minute; if it lasts, tell the people who run this application.',
    });
  }

  badRequest(status: number, detail: string): Reply {
    this.#parts.metrics.refusals.inc({ reason: 'bad-request' });
    return {
      ...problem({ audience: 'program', requestId: undefined }, status, {
        error: 'bad-request',
        title: 'Bad request',
        text: detail,
      }),
      close: true,
    };
  }

  /** Step 4: a reason to refuse, for requests that change something or open a socket. */
  #checkOrigin(context: RequestContext, app: App): string | undefined {
    const check = checkOrigin({
      fields: context.fields,
      method: context.head.method,
      upgrade: context.head.upgrade,
      ownOrigin: context.origin,
      allowed: app.allowedOrigins,
    });
    return check.kind === 'refused' ? check.reason : undefined;
  }

  /** Step 5, first half: the session cookie alone. */
  #bySession(context: RequestContext): Visitor | Promise<Visitor> {
    const secure = context.proto === 'https';
    const cookie = readCookie(context.fields, sessionCookieName(secure));
    if (cookie.kind === 'none') return nobody;
    // Two session cookies: somebody planted one. Neither is believed, and both go.
    if (cookie.kind === 'ambiguous') return this.#forgotten(secure);
    const opened = this.#parts.sessions.open(cookie.value, context.now);
    const visitor = (found: Awaited<typeof opened>): Visitor => {
      if (found.kind !== 'ok') return this.#forgotten(secure);
      const renewed = found.renew ? this.#parts.sessions.seal(found.live, context.now, secure) : undefined;
      return {
        kind: 'signed-in',
        live: found.live,
        responseFields: renewed === undefined ? [] : cookieFields(renewed),
      };
    };
    return opened instanceof Promise ? opened.then(visitor) : visitor(opened);
  }

  #forgotten(secure: boolean): Visitor {
    return { kind: 'anonymous', responseFields: cookieFields(this.#parts.sessions.end(undefined, secure)) };
  }

  /** Step 5: the session cookie, else every sign-in method. Synchronous for a session that is in memory. */
  #visitor(context: RequestContext, app: App | undefined): Visitor | Promise<Visitor> {
    const known = this.#bySession(context);
    if (known instanceof Promise)
      return known.then((visitor) => (visitor.kind === 'anonymous' ? this.#signIn(context, app, visitor) : visitor));
    return known.kind === 'anonymous' ? this.#signIn(context, app, known) : known;
  }

  async #signIn(
    context: RequestContext,
    app: App | undefined,
    before: Visitor & { kind: 'anonymous' },
  ): Promise<Visitor> {
    const { authenticators, metrics, offer, sessions } = this.#parts;
    const { now } = context;
    if (context.authorization === undefined) return before;
    const started = performance.now();
    const credentials = { authorization: context.authorization, connection: context.head.connection, now };
    let outcome: Awaited<ReturnType<typeof authenticate>>;
    try {
      outcome = await authenticate(authenticators, credentials);
    } catch (error) {
      return { kind: 'answered', reply: this.#signInBroken(context, app, 'unavailable', error) };
    }
    if (outcome.kind === 'absent') return before;
    const method = outcome.method ?? '';
    metrics.signInSeconds.observe({ method }, (performance.now() - started) / 1000);
    metrics.signIns.inc({ method, result: outcome.kind });

    if (outcome.kind === 'continue')
      return { kind: 'answered', reply: notSignedIn(context, offer, { challenge: outcome.replyHeader }) };
    if (outcome.kind === 'rejected') {
      this.#record(context, app, { kind: 'sign-in-failed', method, reason: outcome.reason, detail: outcome.detail });
      const challenge = outcome.replyHeader;
      return { kind: 'answered', reply: notSignedIn(context, offer, { challenge, failed: true }) };
    }

    const live = sessions.start(outcome.identity, now);
    const cookie = sessions.seal(live, now, context.proto === 'https');
    const tooLarge =
      cookie === undefined ? 'the session does not fit into a cookie: every request signs in again' : undefined;
    const note = [outcome.note, live.note, tooLarge].filter((text) => text !== undefined).join('; ');
    this.#record(context, app, { kind: 'sign-in', method, note: note === '' ? undefined : note }, live);
    const reply = outcome.replyHeader === undefined ? [] : ['WWW-Authenticate', outcome.replyHeader];
    return {
      kind: 'signed-in',
      live,
      responseFields: [...(cookie === undefined ? [] : cookieFields(cookie)), ...reply],
    };
  }

  /** Steps 6 to 8. */
  #judge(context: RequestContext, app: App, visitor: Visitor): Verdict {
    if (visitor.kind === 'answered') return this.#replied(app, 'sign-in', visitor.reply);
    const subject = visitor.kind === 'signed-in' ? visitor.live.subject : anonymous;
    const decision = decide(app.policy, subject, context.head.method, context.path);
    if (!decision.allow && decision.reason === 'not-signed-in')
      return this.#replied(app, 'sign-in', notSignedIn(context, this.#parts.offer, { extra: visitor.responseFields }));
    const live = visitor.kind === 'signed-in' ? visitor.live : undefined;
    if (!decision.allow) {
      const reply = notAllowed(context, app, live?.identity.account, this.#parts.offer, visitor.responseFields);
      return this.#refuse(context, app, decision.reason, reply, live);
    }
    if (live === undefined) return this.#forward(context, app, [], undefined, visitor.responseFields);
    const identity = this.#parts.sessions.headersFor(app, live, context.now);
    return this.#forward(context, app, identity, live, visitor.responseFields);
  }

  #forward(
    context: RequestContext,
    app: App,
    identity: Fields,
    live: Live | undefined,
    responseFields: Fields,
  ): Forward {
    const { head, address, authority, proto, requestId } = context;
    const { metrics, reading } = this.#parts;
    const upgrade = head.upgrade;
    let open = false;
    this.#forwarded.set(head, context);
    return {
      kind: 'forward',
      upstream: app.upstream,
      target: context.target,
      fields: [
        'Host',
        app.hostHeader === 'preserve' ? authority : new URL(app.upstream.origin).host,
        ...forAppOnly(context.fields),
        ...forwardedFields({ address, proto, host: authority }),
        'X-Request-Id',
        requestId,
        ...identity,
      ],
      requestTrailers: (trailers) => endToEndTrailers(trailers, reading.stripIdentity),
      upstreamFields: withoutGatewayCookies,
      responseFields,
      opened: () => {
        open = true;
        metrics.sockets.inc({ app: app.name });
        this.#record(context, app, { ...socketEvent(context, 'websocket-opened'), ...noNumbers }, live);
      },
      ended: (completion) => {
        metrics.requests.inc({ app: app.name, outcome: upgrade && open ? 'websocket' : completion.end });
        if (completion.failure !== undefined) this.#upstreamTrouble(context, app, live, completion.failure);
        if (completion.end === 'client-gone' && !open) this.#clientLeft(context, app, completion);
        if (!open) return;
        metrics.sockets.dec({ app: app.name });
        this.#record(context, app, { ...socketEvent(context, 'websocket-closed'), ...numbersOf(completion) }, live);
      },
    };
  }

  async #endpoint(context: RequestContext, app: App, endpoint: Endpoint): Promise<Verdict> {
    if (context.head.upgrade) return this.#refuse(context, app, 'no-endpoint', unknownAddress(context));
    const origin = this.#checkOrigin(context, app);
    if (origin !== undefined) return this.#refuse(context, app, origin, crossSite(context));
    const visitor = await this.#visitorOf(endpoint, context, app);
    if (visitor.kind === 'answered') return this.#replied(app, 'sign-in', visitor.reply);
    if (endpoint.signIn === 'required' && visitor.kind === 'anonymous')
      return this.#replied(app, 'sign-in', notSignedIn(context, this.#parts.offer, { extra: visitor.responseFields }));
    const live = visitor.kind === 'signed-in' ? visitor.live : undefined;
    this.#parts.metrics.requests.inc({ app: app.name, outcome: 'endpoint' });
    return {
      kind: 'endpoint',
      maxBody: 64 * 1024,
      handle: async (request) => {
        const response = await endpoint.handle(request, {
          context,
          app,
          live,
          record: (event, about) => this.#record(context, app, event, about ?? live),
        });
        // An endpoint that begins or ends a session has the last word on the cookie: a renewal of the old one behind it
        // would undo a sign-out, or put the old session in the place of the new one.
        if (response.headers.getSetCookie().length > 0) return response;
        for (let i = 0; i < visitor.responseFields.length; i += 2)
          response.headers.append(visitor.responseFields[i] ?? '', visitor.responseFields[i + 1] ?? '');
        return response;
      },
    };
  }

  #visitorOf(endpoint: Endpoint, context: RequestContext, app: App): Visitor | Promise<Visitor> {
    switch (endpoint.signIn) {
      case 'required':
        return this.#visitor(context, app);
      case 'if-any':
        return this.#bySession(context);
      case 'never':
        return nobody;
    }
  }

  #replied(app: App, outcome: string, reply: Reply): Verdict {
    this.#parts.metrics.requests.inc({ app: app.name, outcome });
    return { kind: 'reply', reply };
  }

  /** A refusal with its reason, for the audit log and the metrics; `reply` does not name it. */
  #refuse(context: RequestContext, app: App | undefined, reason: string, reply: Reply, live?: Live): Verdict {
    this.#parts.metrics.refusals.inc({ reason });
    this.#parts.metrics.requests.inc({ app: app?.name ?? '', outcome: 'refused' });
    const { host, path, head } = context;
    this.#record(context, app, { kind: 'refused', reason, httpMethod: head.method, host, path }, live);
    return { kind: 'reply', reply };
  }

  #badRequest(head: RequestHead, { status, reason }: BadRequest): Verdict {
    const requestId = randomUUID();
    this.#parts.metrics.refusals.inc({ reason });
    this.#parts.audit.write({
      kind: 'refused',
      time: this.#parts.now(),
      requestId,
      address: head.connection.remoteAddress,
      app: undefined,
      account: undefined,
      subject: undefined,
      reason,
      httpMethod: head.method.slice(0, 32),
      host: (fieldValues(head.fields, 'host')[0] ?? '').slice(0, 255),
      path: shortened(head.target.split('?')[0] ?? ''),
    });
    const audience = wantsPage(head) ? 'person' : 'program';
    // RFC 6455, 4.2.2: whoever refuses a version says which one it speaks.
    const extra = status === 426 ? ['Sec-WebSocket-Version', '13'] : [];
    const view = { error: 'bad-request', title: 'Bad request', text: `The request was refused: ${reason}.` };
    return { kind: 'reply', reply: { ...problem({ audience, requestId }, status, view, extra), close: true } };
  }

  #signInBroken(context: RequestContext, app: App | undefined, reason: string, error: unknown): Reply {
    const detail = error instanceof Error ? error.message : String(error);
    this.#parts.metrics.signIns.inc({ method: '', result: reason });
    this.#record(context, app, { kind: 'sign-in-failed', method: '', reason, detail });
    return problem(context, 503, {
      error: 'sign-in-unavailable',
      title: 'Signing in is not possible right now',
      text: 'Please try again in a minute; if it lasts, tell your administrator.',
    });
  }

  #clientLeft(context: RequestContext, app: App, { status, bytesToClient, bytesToUpstream }: Completion): void {
    const { requestId, address, path } = context;
    this.#parts.onClientLeft({ requestId, app: app.name, address, path, status, bytesToClient, bytesToUpstream });
  }

  #upstreamTrouble(context: RequestContext, app: App, live: Live | undefined, failure: UpstreamFailure): void {
    this.#parts.metrics.upstreamFailures.inc({ app: app.name, code: failure.code });
    const { path } = context;
    this.#record(context, app, { kind: 'upstream-failed', reason: failure.code, detail: failure.detail, path }, live);
  }

  #record(context: RequestContext, app: App | undefined, event: EventParticulars, live?: Live): void {
    this.#parts.audit.write({
      ...('path' in event ? { ...event, path: shortened(event.path) } : event),
      time: this.#parts.now(),
      requestId: context.requestId,
      address: context.address,
      app: app?.name,
      account: live?.identity.account,
      subject: live?.identity.subject,
    });
  }
}

const nobody: Visitor = { kind: 'anonymous', responseFields: [] };

/** A response that sets a session must not end up in a shared cache (RFC 9111, 5.2.2.7). */
const cookieFields = (cookie: string): Fields => ['Set-Cookie', cookie, 'Cache-Control', 'private'];

/** What the app gets of the client's fields: not our cookies, and not a credential that was meant for us. */
function forAppOnly(fields: Fields): Fields {
  const rest = withoutCookies(fields, gatewayCookies);
  const kept: string[] = [];
  for (let i = 0; i < rest.length; i += 2) {
    const name = (rest[i] as string).toLowerCase();
    const value = rest[i + 1] as string;
    if (name === 'host' || (name === 'authorization' && /^negotiate(?: |$)/i.test(value))) continue;
    kept.push(rest[i] as string, value);
  }
  return kept;
}

/** An app must not be able to sign anybody in or out, least of all as somebody else. */
const withoutGatewayCookies = (fields: Fields): Fields => withoutSetCookies(fields, gatewayCookies);

const gatewayCookies = ['cardea', 'cardea-csrf', 'cardea-tx'].flatMap((name) => [name, `__Host-${name}`]);

const socketEvent = <K extends 'websocket-opened' | 'websocket-closed'>(context: RequestContext, kind: K) => ({
  kind,
  path: context.path,
});

const noNumbers = {
  durationMs: undefined,
  bytesToClient: undefined,
  bytesToUpstream: undefined,
  reason: undefined,
};

const numbersOf = (completion: Completion) => ({
  durationMs: Math.round(completion.durationMs),
  bytesToClient: completion.bytesToClient,
  bytesToUpstream: completion.bytesToUpstream,
  reason: completion.closedBy ?? completion.end,
});

/** Enough to know a path by, and not so much that strangers could fill the disk with their own words. */
const shortened = (path: string): string => (path.length > 1_000 ? `${path.slice(0, 1_000)}…` : path);

const ambiguous = (context: RequestContext): Reply =>
  problem(context, 400, {
    error: 'path-ambiguous',
    title: 'This address can be read in two ways',
    text: 'It leads to different applications, depending on who reads it. Check it for a typing error.',
  });

const unknownAddress = (context: RequestContext): Reply =>
  problem(context, 404, {
    error: 'not-found',
    title: 'Nothing here',
    text: 'No application answers at this address. Check it for a typing error.',
  });

const crossSite = (context: RequestContext): Reply =>
  problem(context, 403, {
    error: 'cross-site',
    title: 'This came from another site',
    text: 'A page of another site caused this request, so it was not carried out.',
  });
