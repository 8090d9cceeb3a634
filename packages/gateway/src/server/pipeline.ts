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
import { checkOrigin } from '../auth/origin.ts';
import { decide } from '../policy/decide.ts';
import { anonymous } from '../policy/subject.ts';
import { wantsPage } from '../wire/accepts.ts';
import type { Forward, Handler, Reply, RequestHead, UpstreamFailure, Verdict } from '../wire/http.ts';
import { notAllowed, notSignedIn, problem, type SignInOffer } from './answers.ts';
import { type App, findApp, withoutPathParameters } from './apps.ts';
import { type Endpoint, findEndpoint, isReserved } from './endpoints/endpoint.ts';
import { Forwarded } from './forwarded.ts';
import type { Live, LiveSessions } from './live-sessions.ts';
import type { Recorder } from './recorder.ts';
import {
  type BadRequest,
  type ReadingOptions,
  type RequestContext,
  type RequestReader,
  requestReader,
} from './request-context.ts';
import { nobody, type Visitor, type Visitors } from './visitors.ts';

export interface PipelineParts {
  readonly apps: readonly App[];
  readonly endpoints: readonly Endpoint[];
  readonly reading: ReadingOptions;
  readonly offer: SignInOffer;
  readonly visitors: Visitors;
  readonly sessions: LiveSessions;
  readonly recorder: Recorder;
  readonly now: () => number;
}

/** Judges every request to an app. */
export class Pipeline implements Handler {
  readonly #parts: PipelineParts;
  readonly #read: RequestReader;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#read = requestReader(parts.reading);
  }

  decide(head: RequestHead): Verdict | Promise<Verdict> {
    const { apps, endpoints, offer, visitors, now } = this.#parts;
    const context = this.#read(head, now());
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

    const origin = this.#checkOrigin(context, app);
    if (origin !== undefined)
      return this.#isOpen(context, app)
        ? this.#judge(context, app, nobody)
        : this.#refuse(context, app, origin, crossSite(context));
    const visitor = visitors.bySession(context);
    return visitor instanceof Promise
      ? visitor.then((found) => this.#orSignIn(context, app, found))
      : this.#orSignIn(context, app, visitor);
  }

  upstreamFailed(_head: RequestHead, failure: UpstreamFailure, verdict: Forward): Reply {
    const late = failure.code === 'connect-timeout' || failure.code === 'response-timeout';
    // The page bears the number that the audit log has.
    const about =
      verdict instanceof Forwarded ? verdict.about : ({ audience: 'program', requestId: undefined } as const);
    return problem(about, late ? 504 : 502, {
      error: late ? 'upstream-timeout' : 'upstream-unreachable',
      title: late ? 'The application does not answer' : 'The application cannot be reached',
      text: 'You did nothing wrong. Please try again in a minute; if it lasts, tell the people who run this application.',
    });
  }

  badRequest(status: number, detail: string): Reply {
    this.#parts.recorder.metrics.refusals.inc({ reason: 'bad-request' });
    return {
      ...problem({ audience: 'program', requestId: undefined }, status, {
        error: 'bad-request',
        title: 'Bad request',
        text: detail,
      }),
      close: true,
    };
  }

  /**
   * Where everybody is welcome nobody is asked to sign in; a session that is there anyway is told to the app, unless
   * another site's page caused the request.
   */
  #orSignIn(context: RequestContext, app: App, known: Visitor): Verdict | Promise<Verdict> {
    if (known.kind !== 'anonymous' || this.#isOpen(context, app)) return this.#judge(context, app, known);
    const visitor = this.#parts.visitors.orSignIn(context, app, known);
    return visitor instanceof Promise
      ? visitor.then((found) => this.#judge(context, app, found))
      : this.#judge(context, app, visitor);
  }

  #isOpen({ head, path }: RequestContext, app: App): boolean {
    return decide(app.policy, anonymous, head.method, path).allow;
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
    const identity = live === undefined ? undefined : this.#parts.sessions.headersFor(app, live, context.now);
    const { recorder, reading } = this.#parts;
    return new Forwarded({ context, app, live, identity, recorder, reading }, visitor.responseFields);
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
    this.#parts.recorder.answered(app, 'endpoint');
    return {
      kind: 'endpoint',
      maxBody: 64 * 1024,
      handle: async (request) => {
        const response = await endpoint.handle(request, {
          context,
          app,
          live,
          record: (event, about) => this.#parts.recorder.event(context, app, event, about ?? live),
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
    const { visitors } = this.#parts;
    switch (endpoint.signIn) {
      case 'required':
        return visitors.of(context, app);
      case 'if-any':
        return visitors.bySession(context);
      case 'never':
        return nobody;
    }
  }

  #replied(app: App, outcome: string, reply: Reply): Verdict {
    this.#parts.recorder.answered(app, outcome);
    return { kind: 'reply', reply };
  }

  /** A refusal with its reason, for the audit log and the metrics; `reply` does not name it. */
  #refuse(context: RequestContext, app: App | undefined, reason: string, reply: Reply, live?: Live): Verdict {
    this.#parts.recorder.refused(context, app, reason, live);
    return { kind: 'reply', reply };
  }

  #badRequest(head: RequestHead, { status, reason }: BadRequest): Verdict {
    const requestId = randomUUID();
    this.#parts.recorder.badRequest(head, requestId, reason);
    const audience = wantsPage(head) ? 'person' : 'program';
    // RFC 6455, 4.2.2: whoever refuses a version says which one it speaks.
    const extra = status === 426 ? ['Sec-WebSocket-Version', '13'] : [];
    const view = { error: 'bad-request', title: 'Bad request', text: `The request was refused: ${reason}.` };
    return { kind: 'reply', reply: { ...problem({ audience, requestId }, status, view, extra), close: true } };
  }
}

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
