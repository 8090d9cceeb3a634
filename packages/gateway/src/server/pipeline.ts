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
 *  8. count it, for an app with limits; its content may have to be read first (`enforcer.ts`)
 *  9. forward; record
 *
 * Pages, API calls, event streams and upgrades take the same steps.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { AccountBarred } from '../auth/memberships.ts';
import { checkOrigin, type OriginRefusal } from '../auth/origin.ts';
import { csrfField } from '../auth/csrf.ts';
import { decide } from '../policy/decide.ts';
import { anonymous } from '../policy/subject.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { wantsPage } from '../wire/accepts.ts';
import { singleField } from '../wire/fields.ts';
import type {
  Forward,
  Handler,
  Judgement as HttpJudgement,
  Reply,
  RequestHead,
  UpstreamFailure,
  Verdict,
} from '../wire/http.ts';
import { canonicalTarget } from '../wire/path.ts';
import { notAllowed, notSignedIn, type ProblemContext, problem, signInAgain, tooManyStreams } from './answers.ts';
import { type App, findApp, withoutPathParameters } from './apps.ts';
import { withEdge } from './edge-verdict.ts';
import { type Endpoint, type EndpointContext, findEndpoint, isReserved } from './endpoints/endpoint.ts';
import type { Enforcer } from './enforcer.ts';
import { type Judgement, judgementOf } from './forward-auth.ts';
import type { ForwardAuth, Judge } from './forward-auth-endpoint.ts';
import { Forwarded } from './forwarded.ts';
import type { Live } from './live.ts';
import type { LiveSessions } from './live-sessions.ts';
import type { Meter } from './metered.ts';
import { withModelForm } from './model-answers.ts';
import type { Recorder } from './recorder.ts';
import { toResponse } from './replies.ts';
import {
  type BadRequest,
  type ReadingOptions,
  type RequestContext,
  type RequestReader,
  requestReader,
} from './request-context.ts';
import { mergedPlan, type SignInOffer, type SignInPlan } from './sign-in-plan.ts';
import { withoutStreamToken } from './stream-parameter.ts';
import type { Streams } from './streams.ts';
import { isTakenHere } from './taken-here.ts';
import { nobody, type SignedIn, type Visitor, type Visitors } from './visitors.ts';
import { mayGoWithout, ofPages, withoutCredentials } from './without-credentials.ts';

export interface PipelineParts {
  readonly apps: readonly App[];
  readonly endpoints: readonly Endpoint[];
  readonly reading: ReadingOptions;
  readonly prefix: string;
  /** Answers proxies that carry the requests themselves. */
  readonly forwardAuth?: ForwardAuth | undefined;
  readonly visitors: Visitors;
  readonly sessions: LiveSessions;
  readonly streams: Streams;
  readonly enforcer: Enforcer;
  readonly recorder: Recorder;
  readonly now: () => number;
}

/** Whoever carries a request that we judge. */
interface Carrier {
  /** They cannot send the app another target than the client's, so that what must not stand there cannot be taken out. */
  readonly keepsTarget: boolean;
}

/** Judges every request to an app. */
export class Pipeline implements Handler {
  readonly #parts: PipelineParts;
  readonly #read: RequestReader;

  readonly #withEndpoints: readonly App[];
  /** By the names of the apps, so that there are no more of them than of hosts in the configuration. */
  readonly #plans = new Map<string, SignInPlan>();

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#read = requestReader(parts.reading);
    this.#withEndpoints = parts.apps.filter(({ signIn }) => signIn !== 'none');
  }

  decide(head: RequestHead): Verdict | Promise<Verdict> {
    return this.#parts.forwardAuth?.answer(head, this.#judgeOriginal) ?? this.#decide(head, undefined);
  }

  /**
   * Judges a request that somebody else carries, by the same steps.
   */
  judgeOriginal(original: RequestHead, carrier: Carrier): Judgement | Promise<Judgement> {
    const verdict = this.#decide(original, carrier);
    return verdict instanceof Promise
      ? verdict.then((settled) => this.#judgementOf(settled, original))
      : this.#judgementOf(verdict, original);
  }

  readonly #judgeOriginal: Judge = (original, how) => this.judgeOriginal(original, how);

  #judgementOf(verdict: Verdict, original: RequestHead): Judgement {
    if (verdict instanceof Forwarded) verdict.carriedByOther();
    return judgementOf(verdict, original, () =>
      problem({ audience: 'program', requestId: undefined }, 404, 'not-found', { detail: misrouted }),
    );
  }

  #decide(head: RequestHead, carrier: Carrier | undefined): Verdict | Promise<Verdict> {
    const { apps, endpoints, prefix, now } = this.#parts;
    const received = this.#read(head, now());
    if ('kind' in received) return this.#badRequest(head, received);

    const endpoint = this.#hasEndpoints(received) ? findEndpoint(endpoints, received, prefix) : undefined;
    const app = findApp(
      endpoint === undefined ? apps : this.#withEndpoints,
      received.host,
      endpoint === undefined ? received.path : undefined,
    );
    if (app === undefined) return this.#refuse(received, undefined, 'no-app', unknownAddress(received));
    const ofApp = endpoint === undefined;
    const { edge, limits } = app;
    const preflight = ofApp ? edge?.cors?.preflight(head) : undefined;
    if (preflight !== undefined)
      return preflight.allowed
        ? this.#replied(app, 'preflight', preflight.reply)
        : this.#refuse(received, app, 'cors-origin', preflight.reply);
    const decided = this.#decideFor(received, app, endpoint, carrier);
    const verdict = ofApp && limits !== undefined ? withModelForm(decided) : decided;
    return edge === undefined ? verdict : withEdge(verdict, edge, received, ofApp);
  }

  #decideFor(
    received: RequestContext,
    app: App,
    endpoint: Endpoint | 'unknown' | undefined,
    carrier: Carrier | undefined,
  ): Verdict | Promise<Verdict> {
    const { apps, prefix, visitors } = this.#parts;
    if (endpoint === 'unknown') return this.#refuse(received, app, 'no-endpoint', unknownAddress(received));
    if (endpoint !== undefined) return this.#endpoint(received, app, endpoint);
    // What is carried past us is not counted when it ends, and our key for the app is for nobody else.
    if (carrier !== undefined && (app.limits ?? app.upstreamCredential) !== undefined)
      return this.#refuse(
        received,
        app,
        'not-by-forward-auth',
        problem(received, 404, 'not-found', { detail: direct }),
      );

    // A server that drops path parameters would take `/risk;x/` for a path of another app, or for one of ours.
    const plain = withoutPathParameters(received.path);
    if (plain !== received.path && (findApp(apps, received.host, plain) !== app || isReserved(plain, prefix)))
      return this.#refuse(received, app, 'path-ambiguous', ambiguous(received));

    const plan = app.signIn;
    if (plan === 'none') return this.#forward(received, app, nobody);
    const context = withoutStreamToken(received, plan.streamParameter);
    if (context === undefined) return this.#refuse(received, app, 'stream-token-repeated', badToken(received));
    if (carrier?.keepsTarget === true && context.streamToken !== undefined)
      return this.#refuse(context, app, 'stream-token-stays', notAllowed(context, app, undefined, plan.offer));

    const origin = this.#checkOrigin(context, app.allowedOrigins);
    if (origin !== undefined) {
      const bare = mayGoWithout(app.edge?.cors, origin, context) ? withoutCredentials(context) : undefined;
      if (this.#isOpen(context, app)) return this.#judge(bare ?? context, app, plan, nobody);
      return bare === undefined
        ? this.#refuse(context, app, origin, crossSite(context))
        : this.#judgeAll(bare, app, ofPages(plan, isAmbient));
    }
    if (plan.byRequest.length > 0 && !this.#isOpen(context, app)) return this.#judgeAll(context, app, plan);
    const visitor = visitors.bySession(context, app, plan);
    return visitor instanceof Promise
      ? visitor.then((found) => this.#orSignIn(context, app, plan, found))
      : this.#orSignIn(context, app, plan, visitor);
  }

  upstreamFailed(_head: RequestHead, failure: UpstreamFailure, verdict: Forward): Reply {
    const late = failure.code === 'connect-timeout' || failure.code === 'response-timeout';
    // The page bears the number that the audit log has.
    const about =
      verdict instanceof Forwarded ? verdict.about : ({ audience: 'program', requestId: undefined } as const);
    const reply = problem(about, late ? 504 : 502, late ? 'upstream-timeout' : 'upstream-unreachable');
    return verdict instanceof Forwarded ? verdict.instead(reply) : reply;
  }

  badRequest(status: number, detail: string): Reply {
    this.#parts.recorder.metrics.refusals.inc({ reason: 'bad-request' });
    return {
      ...problem({ audience: 'program', requestId: undefined }, status, 'bad-request', { detail }),
      close: true,
    };
  }

  /**
   * Where everybody is welcome nobody is asked to sign in; a session that is there anyway is told to the app, unless
   * another site's page caused the request.
   */
  #orSignIn(context: RequestContext, app: App, plan: SignInPlan, known: Visitor): Verdict | Promise<Verdict> {
    // Where everybody is welcome, nobody is turned away because it cannot be found out who they are.
    if (known.kind === 'answered' && this.#isOpen(context, app)) return this.#judge(context, app, plan, nobody);
    if (known.kind !== 'anonymous' || this.#isOpen(context, app)) return this.#judge(context, app, plan, known);
    const visitor = this.#parts.visitors.orSignIn(context, app, plan, known);
    return visitor instanceof Promise
      ? visitor.then((found) => this.#judge(context, app, plan, found))
      : this.#judge(context, app, plan, visitor);
  }

  /** For an app that takes credentials which come with the request itself: these first. */
  async #judgeAll(context: RequestContext, app: App, plan: SignInPlan): Promise<Verdict> {
    return this.#judge(context, app, plan, await this.#parts.visitors.of(context, app, plan));
  }

  #isOpen(context: RequestContext, app: App): boolean {
    return decide(app.policy, anonymous, context.head.method, context.path, context).allow;
  }

  /** Step 4: a reason to refuse, for requests that change something or open a socket. */
  #checkOrigin(context: RequestContext, allowed: readonly string[]): OriginRefusal | undefined {
    const check = checkOrigin({
      fields: context.fields,
      method: context.head.method,
      upgrade: context.head.upgrade,
      ownOrigin: context.origin,
      allowed,
    });
    return check.kind === 'refused' ? check.reason : undefined;
  }

  /** Steps 6 to 8. */
  #judge(
    context: RequestContext,
    app: App,
    plan: SignInPlan,
    visitor: Visitor,
    again = false,
  ): Verdict | Promise<Verdict> {
    if (visitor.kind === 'answered') return this.#replied(app, 'sign-in', visitor.reply);
    const subject = visitor.kind === 'signed-in' ? visitor.live.subject : anonymous;
    const decision = decide(app.policy, subject, context.head.method, context.path, context);
    if (!decision.allow && decision.reason === 'not-signed-in')
      return this.#replied(app, 'sign-in', notSignedIn(context, plan.offer, { extra: visitor.responseFields }));
    const live = visitor.kind === 'signed-in' ? visitor.live : undefined;
    if (!decision.allow && decision.reason === 'sign-in-too-old')
      return again
        ? this.#refuse(context, app, decision.reason, signInAgain(context, plan.offer, visitor.responseFields), live)
        : this.#signInAgain(context, app, plan, visitor);
    if (!decision.allow) {
      const reply = notAllowed(context, app, live?.identity.account, plan.offer, visitor.responseFields);
      return this.#refuse(context, app, decision.reason, reply, live);
    }
    if (visitor.kind !== 'signed-in') return this.#forward(context, app, visitor);
    if (app.csrf && this.#needsToken(context, visitor.live)) {
      const token = singleField(context.fields, csrfField);
      const given = token === undefined || token === 'ambiguous' ? '' : token.value;
      if (!this.#parts.sessions.isOwnRequest(visitor.live, given))
        return this.#refuse(context, app, 'csrf', forged(context), visitor.live);
    }
    if (visitor.spend.length > 0) return this.#spend(context, app, plan, visitor);
    return this.#forward(context, app, visitor);
  }

  /**
   * Step-up: somebody who may do this, but signed in too long ago. A request that brings a fresh proof of its own is judged by
   * that, as if there were no session; else one is asked for.
   */
  async #signInAgain(
    context: RequestContext,
    app: App,
    plan: SignInPlan,
    before: Exclude<Visitor, { kind: 'answered' }>,
  ): Promise<Verdict> {
    const found = await this.#parts.visitors.orSignIn(context, app, plan, nobody);
    return this.#judge(context, app, plan, found.kind === 'anonymous' ? before : found, true);
  }

  /** What is good for one use is spent now, and the request goes on only for the one who spends it. */
  async #spend(context: RequestContext, app: App, plan: SignInPlan, visitor: SignedIn): Promise<Verdict> {
    for (const { claim } of visitor.spend) {
      let first: boolean;
      try {
        first = await claim();
      } catch (error) {
        return this.#replied(app, 'sign-in', this.#parts.visitors.unavailable(context, app, 'claim', error));
      }
      if (first) continue;
      const reply = notSignedIn(context, plan.offer, { failed: true });
      return this.#refuse(context, app, 'credential-spent', reply, visitor.live);
    }
    for (const { used } of visitor.spend) used(visitor.live);
    return this.#forward(context, app, visitor);
  }

  #forward(
    context: RequestContext,
    app: App,
    visitor: Exclude<Visitor, { kind: 'answered' }>,
  ): Verdict | Promise<Verdict> {
    const { enforcer, recorder, reading, sessions, streams } = this.#parts;
    if (visitor.kind === 'anonymous') {
      const nobodys = { live: undefined, identity: undefined, appFields: [], open: true };
      const parts = { context, app, ...nobodys, recorder, reading, streams };
      return new Forwarded(parts, visitor.responseFields);
    }
    const { live, appFields, responseFields } = visitor;
    const identity = sessions.headersFor(app, live, context.now);
    // Where everybody is welcome nobody is counted, signed in or not; and our key for the app is not for everybody.
    const open = (app.limits ?? app.upstreamCredential) !== undefined && this.#isOpen(context, app);
    const parts = { context, app, live, identity, appFields, open, recorder, reading, streams };
    const goOn = (meter?: Meter): HttpJudgement => {
      const forwarded = new Forwarded(meter === undefined ? parts : { ...parts, meter }, responseFields);
      if (!context.head.upgrade || forwarded.takesPlace()) return forwarded;
      return this.#refuse(context, app, 'too-many-streams', tooManyStreams(context, app.streams.perPerson), live);
    };
    const { limits } = app;
    if (limits === undefined || open) return goOn();
    return enforcer.admit({ context, app, limits, live, responseFields, goOn });
  }

  async #endpoint(received: RequestContext, app: App, endpoint: Endpoint): Promise<Verdict> {
    const context = endpoint.audience === undefined ? received : { ...received, audience: endpoint.audience };
    const said = (reply: Reply): Reply => endpoint.refusal?.(reply) ?? reply;
    if (context.head.upgrade) return this.#refuse(context, app, 'no-endpoint', unknownAddress(context));
    // What one app lets other sites do is no affair of the apps beside it, and these are everybody's endpoints.
    const origin = this.#checkOrigin(context, []);
    if (origin !== undefined) return this.#refuse(context, app, origin, said(crossSite(context)));
    const plan = endpoint.plan ?? this.#planOf(context.host);
    const visitor = await this.#visitorOf(endpoint, context, app, plan);
    if (visitor.kind === 'answered') return this.#replied(app, 'sign-in', said(visitor.reply));
    if ((endpoint.signIn === 'required' || endpoint.signIn === 'passing') && visitor.kind === 'anonymous')
      return this.#replied(app, 'sign-in', said(notSignedIn(context, plan.offer, { extra: visitor.responseFields })));
    const live = visitor.kind === 'signed-in' ? visitor.live : undefined;
    const guarded = endpoint.csrf !== 'none' && live !== undefined && this.#needsToken(context, live);
    this.#parts.recorder.answered(app, 'endpoint');
    return {
      kind: 'endpoint',
      maxBody: 64 * 1024,
      handle: async (request) => {
        if (guarded && !this.#parts.sessions.isOwnRequest(live, await csrfTokenOf(request))) {
          this.#parts.recorder.refused(context, app, 'csrf', live);
          return toResponse(forged(context));
        }
        const about: EndpointContext = {
          context,
          app,
          live,
          offerFor: (target) => this.#offerFor(context.host, target) ?? plan.offer,
          isGoodAt: (target) => live !== undefined && this.#isGoodAt(context.host, target, live),
          begin: (identity, origin, returnTo) =>
            this.#parts.sessions.begin(identity, context, this.#appAt(context.host, returnTo) ?? app, origin),
          record: (event, whom) => this.#parts.recorder.event(context, app, event, whom ?? live),
        };
        let response: Response;
        try {
          response = await endpoint.handle(request, about);
        } catch (error) {
          // A session that cannot be kept, or is not known to be good: nobody is signed in by halves.
          if (error instanceof StoreUnavailable)
            return toResponse(said(this.#parts.visitors.unavailable(context, app, 'session', error)));
          if (!(error instanceof AccountBarred)) throw error;
          const { method, message: detail } = error;
          about.record({ kind: 'sign-in-failed', method, reason: 'account-barred', detail });
          return toResponse(accountBarred(context));
        }
        // An endpoint that begins or ends a session has the last word on the cookie: a renewal of the old one behind it
        // would undo a sign-out, or put the old session in the place of the new one.
        if (response.headers.getSetCookie().length > 0) return response;
        for (let i = 0; i < visitor.responseFields.length; i += 2)
          response.headers.append(visitor.responseFields[i] ?? '', visitor.responseFields[i + 1] ?? '');
        return response;
      },
    };
  }

  #visitorOf(endpoint: Endpoint, context: RequestContext, app: App, plan: SignInPlan): Visitor | Promise<Visitor> {
    const { visitors } = this.#parts;
    switch (endpoint.signIn) {
      case 'required':
        return visitors.of(context, app, plan);
      case 'passing':
        return visitors.of(context, app, plan, true);
      case 'if-any':
        return visitors.bySession(context, app, plan);
      case 'never':
        return nobody;
    }
  }

  /** Whether a request changes something by virtue of what a browser, or a proxy, sends whoever made it do so. */
  #needsToken({ head }: RequestContext, { subject }: Live): boolean {
    const { credentials } = subject;
    return !safeMethods.has(head.method) && [...credentials].every((kind) => ambient.has(kind));
  }

  /** The endpoints belong to all apps of a host, and so whoever may sign in to one of them may use them. */
  #planOf(host: string): SignInPlan {
    const apps = this.#withEndpoints.filter(({ hosts }) => hosts.includes(host) || hosts.includes('*'));
    const key = apps.map(({ name }) => name).join(' ');
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const plans = apps.flatMap(({ signIn }) => (signIn === 'none' ? [] : [signIn]));
    const plan = mergedPlan(plans, this.#parts.prefix);
    this.#plans.set(key, plan);
    return plan;
  }

  /** The app that answers for this target, as far as it asks for a sign-in. */
  #appAt(host: string, target: string): App | undefined {
    const path = canonicalTarget(target);
    return path.kind === 'ok' ? findApp(this.#withEndpoints, host, path.path) : undefined;
  }

  #offerFor(host: string, target: string): SignInOffer | undefined {
    const app = this.#appAt(host, target);
    return app === undefined || app.signIn === 'none' ? undefined : app.signIn.offer;
  }

  #isGoodAt(host: string, target: string, live: Live): boolean {
    const path = canonicalTarget(target);
    const app = path.kind === 'ok' ? findApp(this.#parts.apps, host, path.path) : undefined;
    return app === undefined || app.signIn === 'none' || isTakenHere(app, live);
  }

  /** Where no app asks for a sign-in, every path is the app's own. */
  #hasEndpoints({ host }: RequestContext): boolean {
    return (
      this.#withEndpoints.length === this.#parts.apps.length ||
      findApp(this.#withEndpoints, host, undefined) !== undefined
    );
  }

  #replied(app: App, outcome: string, reply: Reply): Verdict {
    this.#parts.recorder.answered(app, outcome);
    return { kind: 'reply', reply };
  }

  /** A refusal with its reason, for the audit log and the metrics; `reply` does not name it. */
  #refuse(context: RequestContext, app: App | undefined, reason: string, reply: Reply, live?: Live): Replied {
    this.#parts.recorder.refused(context, app, reason, live);
    return { kind: 'reply', reply };
  }

  #badRequest(head: RequestHead, { status, reason }: BadRequest): Verdict {
    const requestId = randomUUID();
    this.#parts.recorder.badRequest(head, requestId, reason);
    // RFC 6455, 4.2.2: whoever refuses a version says which one it speaks.
    const extra = status === 426 ? ['Sec-WebSocket-Version', '13'] : [];
    const detail = `The request was refused: ${reason}`;
    const { pages } = this.#parts.reading;
    const about: ProblemContext = wantsPage(head)
      ? { audience: 'person', requestId, head, pages, fields: head.fields, host: undefined, target: undefined }
      : { audience: 'program', requestId };
    return { kind: 'reply', reply: { ...problem(about, status, 'bad-request', { extra, detail }), close: true } };
  }
}

type Replied = Extract<Verdict, { kind: 'reply' }>;

const misrouted = "This path is the gateway's own: let the proxy send it there";

const ambiguous = (context: RequestContext): Reply => problem(context, 400, 'path-ambiguous');

const direct = 'This app has limits, or a key of its own: send its requests through Cardea itself';

/** Credentials that come along without the doing of the page. */
const ambient: ReadonlySet<string> = new Set(['session', 'client_certificate', 'trusted_header']);
const isAmbient = (kind: string): boolean => ambient.has(kind);

/** Methods that change nothing (RFC 9110, 9.2.1). */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** The token that came with a request to one of our endpoints: in its field, or in the form. */
async function csrfTokenOf(request: Request): Promise<string> {
  const field = request.headers.get(csrfField);
  if (field !== null) return field;
  if (request.headers.get('content-type')?.split(';', 1)[0]?.trim() !== 'application/x-www-form-urlencoded') return '';
  return new URLSearchParams(await request.clone().text()).get('csrf') ?? '';
}

const forged = (context: RequestContext): Reply => problem(context, 403, 'csrf');

const accountBarred = (context: RequestContext): Reply => problem(context, 403, 'account-barred');

const badToken = (context: RequestContext): Reply => problem(context, 400, 'stream-token-repeated');

const unknownAddress = (context: RequestContext): Reply => problem(context, 404, 'not-found');

const crossSite = (context: RequestContext): Reply => problem(context, 403, 'cross-site');
