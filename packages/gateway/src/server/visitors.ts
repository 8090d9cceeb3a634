/**
 * Who asks: the session cookie, else the sign-in methods in configured order.
 *
 * @module
 */
import { type Authenticator, authenticate, type Outcome } from '../auth/authenticator.ts';
import { readCookie } from '../wire/cookies.ts';
import type { Fields } from '../wire/fields.ts';
import type { Reply } from '../wire/http.ts';
import { notSignedIn, problem, type SignInOffer } from './answers.ts';
import type { App } from './apps.ts';
import { type Live, type LiveSessions, sessionCookieName } from './live-sessions.ts';
import type { Recorder } from './recorder.ts';
import type { RequestContext } from './request-context.ts';

/** Who asks, as far as credentials tell; or the answer, when the credentials alone decide it. */
export type Visitor =
  | { readonly kind: 'anonymous'; readonly responseFields: Fields }
  | { readonly kind: 'signed-in'; readonly live: Live; readonly responseFields: Fields }
  | { readonly kind: 'answered'; readonly reply: Reply };

type Anonymous = Extract<Visitor, { kind: 'anonymous' }>;

/** Nobody, and nothing to tell the browser. */
export const nobody: Visitor = { kind: 'anonymous', responseFields: [] };

export interface VisitorsParts {
  readonly authenticators: readonly Authenticator[];
  readonly offer: SignInOffer;
  readonly sessions: LiveSessions;
  readonly recorder: Recorder;
}

/** Finds out who asks. */
export class Visitors {
  readonly #parts: VisitorsParts;

  constructor(parts: VisitorsParts) {
    this.#parts = parts;
  }

  /** By the session cookie alone. At once for a session that is in memory. */
  bySession(context: RequestContext): Visitor | Promise<Visitor> {
    const { sessions } = this.#parts;
    const secure = context.proto === 'https';
    const cookie = readCookie(context.fields, sessionCookieName(secure));
    if (cookie.kind === 'none') return nobody;
    // Two session cookies: somebody planted one. Neither is believed, and both go.
    if (cookie.kind === 'ambiguous') return this.#forgotten(secure);
    const opened = sessions.open(cookie.value, context.now);
    const visitor = (found: Awaited<typeof opened>): Visitor => {
      if (found.kind !== 'ok') return this.#forgotten(secure);
      const renewed = found.renew ? sessions.seal(found.live, context.now, secure) : undefined;
      const responseFields = renewed === undefined ? [] : cookieFields(renewed);
      return { kind: 'signed-in', live: found.live, responseFields };
    };
    return opened instanceof Promise ? opened.then(visitor) : visitor(opened);
  }

  /** By the session cookie, else by signing in. */
  of(context: RequestContext, app: App): Visitor | Promise<Visitor> {
    const known = this.bySession(context);
    const orSignIn = (visitor: Visitor): Visitor | Promise<Visitor> =>
      visitor.kind === 'anonymous' ? this.#signIn(context, app, visitor) : visitor;
    return known instanceof Promise ? known.then(orSignIn) : orSignIn(known);
  }

  #forgotten(secure: boolean): Visitor {
    return { kind: 'anonymous', responseFields: cookieFields(this.#parts.sessions.end(undefined, secure)) };
  }

  async #signIn(context: RequestContext, app: App, before: Anonymous): Promise<Visitor> {
    const { authenticators, offer, sessions, recorder } = this.#parts;
    const { now, authorization } = context;
    if (authorization === undefined) return before;
    const started = performance.now();
    let outcome: Outcome;
    let by: Authenticator | undefined;
    try {
      ({ outcome, by } = await authenticate(authenticators, {
        authorization,
        fields: context.head.fields,
        streamToken: undefined,
        connection: context.head.connection,
        address: context.address,
        app: app.name,
        method: context.head.method,
        path: context.path,
        now,
      }));
    } catch (error) {
      return { kind: 'answered', reply: this.#unavailable(context, app, error) };
    }
    if (outcome.kind === 'absent' || by === undefined) return before;
    const method = by.kind;
    recorder.metrics.signInSeconds.observe({ method }, (performance.now() - started) / 1000);
    recorder.metrics.signIns.inc({ method, result: outcome.kind });

    if (outcome.kind === 'continue')
      return { kind: 'answered', reply: notSignedIn(context, offer, { challenge: outcome.replyHeader }) };
    if (outcome.kind === 'rejected') {
      const { reason, detail, replyHeader } = outcome;
      recorder.event(context, app, { kind: 'sign-in-failed', method, reason, detail });
      return { kind: 'answered', reply: notSignedIn(context, offer, { challenge: replyHeader, failed: true }) };
    }

    const live = sessions.start(outcome.identity, now);
    const cookie = sessions.seal(live, now, context.proto === 'https');
    const notes = [outcome.note, live.note, cookie === undefined ? tooLarge : undefined];
    const note = notes.filter((text) => text !== undefined).join('; ');
    recorder.event(context, app, { kind: 'sign-in', method, note: note === '' ? undefined : note }, live);
    const session = cookie === undefined ? [] : cookieFields(cookie);
    const mutual = outcome.replyHeader === undefined ? [] : ['WWW-Authenticate', outcome.replyHeader];
    return { kind: 'signed-in', live, responseFields: [...session, ...mutual] };
  }

  /** A technical failure signs nobody in. */
  #unavailable(context: RequestContext, app: App, error: unknown): Reply {
    const { recorder } = this.#parts;
    const detail = error instanceof Error ? error.message : String(error);
    recorder.metrics.signIns.inc({ method: '', result: 'unavailable' });
    recorder.event(context, app, { kind: 'sign-in-failed', method: '', reason: 'unavailable', detail });
    return problem(context, 503, {
      error: 'sign-in-unavailable',
      title: 'Signing in is not possible right now',
      text: 'Please try again in a minute; if it lasts, tell your administrator.',
    });
  }
}

const tooLarge = 'the session does not fit into a cookie: every request signs in again';

/** A response that sets a session must not end up in a shared cache (RFC 9111, 5.2.2.7). */
const cookieFields = (cookie: string): Fields => ['Set-Cookie', cookie, 'Cache-Control', 'private'];
