/**
 * Who asks. First the credentials that come with the request itself (an API key, a bearer token, a proxy's header), then the
 * session cookie, then the sign-in methods in configured order.
 *
 * @module
 */
import type { Accepted, Authenticator, Credentials, Outcome, Rejected } from '../auth/authenticator.ts';
import { AccountBarred } from '../auth/memberships.ts';
import type { Fields } from '../wire/fields.ts';
import type { Reply } from '../wire/http.ts';
import { notSignedIn, problem } from './answers.ts';
import type { App } from './apps.ts';
import type { Live, LiveSessions, Opened } from './live-sessions.ts';
import type { Recorder } from './recorder.ts';
import type { RequestContext } from './request-context.ts';
import type { SignInPlan } from './sign-in-plan.ts';

/** Who asks, as far as credentials tell; or the answer, when the credentials alone decide it. */
export type Visitor =
  | { readonly kind: 'anonymous'; readonly responseFields: Fields }
  | SignedIn
  | { readonly kind: 'answered'; readonly reply: Reply };

export interface SignedIn {
  readonly kind: 'signed-in';
  readonly live: Live;
  readonly responseFields: Fields;
  /** What is good for one use: to be spent when the request has been allowed, and not before. */
  readonly spend: readonly NonNullable<Accepted['spend']>[];
  /** What the credentials say to the app beyond the identity. */
  readonly appFields: Fields;
}

export type Anonymous = Extract<Visitor, { kind: 'anonymous' }>;

/** Nobody, and nothing to tell the browser. */
export const nobody: Anonymous = { kind: 'anonymous', responseFields: [] };

export interface VisitorsParts {
  readonly sessions: LiveSessions;
  readonly recorder: Recorder;
}

interface Proof {
  readonly by: Authenticator;
  readonly accepted: Accepted;
}

/** Finds out who asks. */
export class Visitors {
  readonly #parts: VisitorsParts;

  constructor(parts: VisitorsParts) {
    this.#parts = parts;
  }

  /** By the session cookie alone. At once for a session that is in memory. */
  bySession(context: RequestContext, app: App, plan: SignInPlan): Visitor | Promise<Visitor> {
    const { sessions } = this.#parts;
    const secure = context.proto === 'https';
    const cookie = context.session;
    if (cookie.kind === 'none') return nobody;
    // Two session cookies: somebody planted one. Neither is believed, and both go.
    if (cookie.kind === 'ambiguous') return this.#forgotten(secure);
    const opened = sessions.open(cookie.value, context.now);
    return opened instanceof Promise
      ? opened.then(
          (found) => this.#opened(found, context, plan),
          (error: unknown) => this.#failed(context, app, 'session', error),
        )
      : this.#opened(opened, context, plan);
  }

  /** By all that the request brings, else by signing in. */
  of(context: RequestContext, app: App, plan: SignInPlan): Visitor | Promise<Visitor> {
    if (plan.byRequest.length > 0) return this.#byAll(context, app, plan);
    const known = this.bySession(context, app, plan);
    return known instanceof Promise
      ? known.then((visitor) => this.orSignIn(context, app, plan, visitor))
      : this.orSignIn(context, app, plan, known);
  }

  /** Whoever has been found, else by signing in. */
  orSignIn(context: RequestContext, app: App, plan: SignInPlan, known: Visitor): Visitor | Promise<Visitor> {
    return known.kind === 'anonymous' ? this.#signIn(context, app, plan, known) : known;
  }

  #opened(found: Opened, { now, proto }: RequestContext, plan: SignInPlan): Visitor | Promise<Visitor> {
    const secure = proto === 'https';
    if (found.kind !== 'ok') return this.#forgotten(secure);
    const { live } = found;
    // Begun by a method that this app does not take: it stays what it is for others.
    if (!plan.providers.has(live.session.provider ?? '')) return nobody;
    const signedIn = (responseFields: Fields): Visitor => ({
      kind: 'signed-in',
      live,
      responseFields,
      spend: NO_CLAIMS,
      appFields: NONE,
    });
    return found.renew ? this.#parts.sessions.renew(live, now, secure).then(signedIn) : signedIn(NONE);
  }

  async #byAll(context: RequestContext, app: App, plan: SignInPlan): Promise<Visitor> {
    const proofs: Proof[] = [];
    const credentials = credentialsOf(context, app);
    for (const by of plan.byRequest) {
      let outcome: Outcome | Promise<Outcome>;
      try {
        outcome = by.authenticate(credentials);
        if (outcome instanceof Promise) outcome = await outcome;
      } catch (error) {
        return this.#failed(context, app, by.kind, error);
      }
      if (outcome.kind === 'accepted') proofs.push({ by, accepted: outcome });
      if (outcome.kind === 'rejected') return this.#rejected(context, app, plan, by, outcome);
    }
    const session = await this.bySession(context, app, plan);
    if (session.kind === 'answered') return session;
    const person = proofs.find(({ by }) => !secondary.has(by.kind));
    const main = person ?? (session.kind === 'signed-in' ? undefined : proofs.find(({ by }) => by.kind === 'api_key'));
    if (main === undefined && session.kind === 'anonymous') {
      // An approval alone names nobody who asks.
      return this.#signIn(context, app, plan, session);
    }
    const { sessions, recorder } = this.#parts;
    let live: Live;
    if (main === undefined) {
      if (session.kind !== 'signed-in') return session;
      live = session.live;
    } else {
      let passing: Awaited<ReturnType<LiveSessions['passing']>>;
      try {
        passing = await sessions.passing(main.accepted, main.by.kind, context.now);
      } catch (error) {
        return this.#notBegun(context, app, plan, main.by, error);
      }
      live = passing.live;
      // Once for each stay in memory: a program sends its key with every request.
      if (passing.fresh) {
        recorder.metrics.signIns.inc({ method: main.by.kind, result: 'accepted' });
        const note = main.accepted.note ?? live.note;
        recorder.event(context, app, { kind: 'sign-in', method: main.by.kind, note }, live);
      }
    }
    const proven = proofs.map(({ by }) => by.kind as string);
    if (session.kind === 'signed-in') proven.push('session');
    return {
      kind: 'signed-in',
      live: { ...live, subject: { ...live.subject, credentials: new Set(proven) } },
      responseFields: session.responseFields,
      spend: proofs.flatMap(({ accepted }) => accepted.spend ?? []),
      appFields: proofs.flatMap(({ accepted }) => accepted.fields ?? []),
    };
  }

  #forgotten(secure: boolean): Visitor {
    return { kind: 'anonymous', responseFields: this.#parts.sessions.removal(secure) };
  }

  async #signIn(context: RequestContext, app: App, plan: SignInPlan, before: Anonymous): Promise<Visitor> {
    const { recorder } = this.#parts;
    if (plan.bySession.length === 0) return before;
    const started = performance.now();
    const credentials = credentialsOf(context, app);
    for (const by of plan.bySession) {
      let outcome: Outcome;
      try {
        outcome = await by.authenticate(credentials);
      } catch (error) {
        return this.#failed(context, app, by.kind, error);
      }
      if (outcome.kind === 'absent') continue;
      recorder.metrics.signInSeconds.observe({ method: by.kind }, (performance.now() - started) / 1000);
      if (outcome.kind === 'rejected') return this.#rejected(context, app, plan, by, outcome);
      recorder.metrics.signIns.inc({ method: by.kind, result: outcome.kind });
      if (outcome.kind === 'accepted') return this.#begun(context, app, plan, by, outcome);
      return {
        kind: 'answered',
        reply: notSignedIn(context, plan.offer, { challenge: outcome.replyHeader }),
      };
    }
    return before;
  }

  /** A person has just signed in: a session begins. */
  async #begun(
    context: RequestContext,
    app: App,
    plan: SignInPlan,
    by: Authenticator,
    accepted: Accepted,
  ): Promise<Visitor> {
    const { sessions, recorder } = this.#parts;
    const origin = { provider: by.id, lookUpGroups: accepted.lookUpGroups };
    let begun: Awaited<ReturnType<LiveSessions['begin']>>;
    try {
      begun = await sessions.begin(accepted.identity, context, app, origin);
    } catch (error) {
      return this.#notBegun(context, app, plan, by, error);
    }
    const { live, cookies } = begun;
    const notes = [accepted.note, live.note].filter((text) => text !== undefined);
    const note = notes.length === 0 ? undefined : notes.join('; ');
    recorder.event(context, app, { kind: 'sign-in', method: by.kind, note }, live);
    const mutual = accepted.replyHeader === undefined ? [] : ['WWW-Authenticate', accepted.replyHeader];
    return {
      kind: 'signed-in',
      live,
      responseFields: [...cookies, ...mutual],
      spend: [],
      appFields: accepted.fields ?? [],
    };
  }

  /** The credential was good, and the directory says that the account is not; or it could not be found out. */
  #notBegun(context: RequestContext, app: App, plan: SignInPlan, by: Authenticator, error: unknown): Visitor {
    if (!(error instanceof AccountBarred)) return this.#failed(context, app, by.kind, error);
    const { message: detail } = error;
    return this.#rejected(context, app, plan, by, { kind: 'rejected', reason: 'account-barred', detail });
  }

  #rejected(context: RequestContext, app: App, plan: SignInPlan, by: Authenticator, outcome: Rejected): Visitor {
    const { recorder } = this.#parts;
    const { reason, detail, replyHeader } = outcome;
    recorder.metrics.signIns.inc({ method: by.kind, result: 'rejected' });
    recorder.event(context, app, { kind: 'sign-in-failed', method: by.kind, reason, detail });
    return { kind: 'answered', reply: notSignedIn(context, plan.offer, { challenge: replyHeader, failed: true }) };
  }

  #failed(context: RequestContext, app: App, method: string, error: unknown): Visitor {
    return { kind: 'answered', reply: this.unavailable(context, app, method, error) };
  }

  /** The answer when it cannot be found out who asks: a technical failure signs nobody in. */
  unavailable(context: RequestContext, app: App, method: string, error: unknown): Reply {
    const { recorder } = this.#parts;
    const detail = error instanceof Error ? error.message : String(error);
    recorder.metrics.signIns.inc({ method, result: 'unavailable' });
    recorder.event(context, app, { kind: 'sign-in-failed', method, reason: 'unavailable', detail });
    return problem(context, 503, 'sign-in-unavailable', { extra: ['Retry-After', '5'] });
  }
}

/** Who holds one of these need not be the person who asks: others come first. */
const secondary: ReadonlySet<string> = new Set(['api_key', 'approval']);

const NONE: Fields = [];
const NO_CLAIMS: SignedIn['spend'] = [];

const credentialsOf = (context: RequestContext, app: App): Credentials => ({
  authorization: context.authorization,
  fields: context.head.fields,
  streamToken: context.streamToken,
  connection: context.head.connection,
  address: context.address,
  app: app.name,
  method: context.head.method,
  path: context.path,
  now: context.now,
});
