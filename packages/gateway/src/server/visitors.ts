/**
 * Who asks. First the credentials that come with the request itself (an API key, a bearer token, a proxy's header), then the
 * session cookie, then the sign-in methods in configured order.
 *
 * @module
 */
import type { Accepted, Authenticator, Credentials, Outcome, Rejected } from '../auth/authenticator.ts';
import { apiKeyIdOf } from '../auth/api-key.ts';
import { AccountBarred } from '../auth/memberships.ts';
import { SessionCache } from '../auth/session-cache.ts';
import type { Identity } from '../core/identity.ts';
import { canonicalName } from '../auth/canonical-name.ts';
import type { Fields } from '../wire/fields.ts';
import type { Reply } from '../wire/http.ts';
import { notSignedIn, problem } from './answers.ts';
import type { App } from './apps.ts';
import type { Live, LiveKey } from './live.ts';
import type { LiveSessions, Opened } from './live-sessions.ts';
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
  readonly spend: readonly Spendable[];
  /** What the credentials say to the app beyond the identity. */
  readonly appFields: Fields;
}

/** A credential that is good for one use. */
export interface Spendable {
  /** True for the first caller alone. */
  readonly claim: NonNullable<Accepted['spend']>;
  /** Writes down that the credential was used, in a request of this person or program. */
  readonly used: (live: Live) => void;
}

export type Anonymous = Extract<Visitor, { kind: 'anonymous' }>;

/** Nobody, and nothing to tell the browser. */
export const nobody: Anonymous = { kind: 'anonymous', responseFields: [] };

export interface VisitorsParts {
  readonly sessions: LiveSessions;
  readonly recorder: Recorder;
}

/** So often is it written down who comes with a credential of their own. */
const stayMs = 3_600_000;

interface Proof {
  readonly by: Authenticator;
  readonly accepted: Accepted;
}

/** Finds out who asks. */
export class Visitors {
  readonly #parts: VisitorsParts;
  /** Who has been here with a credential of their own, and was written down. */
  readonly #stays = new SessionCache<true>({ maxEntries: 20_000, maxAgeMs: stayMs });

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

  /** By all that the request brings, else by signing in. `passing`: no session begins. */
  of(context: RequestContext, app: App, plan: SignInPlan, passing = false): Visitor | Promise<Visitor> {
    if (plan.byRequest.length > 0) return this.#byAll(context, app, plan, passing);
    const known = this.bySession(context, app, plan);
    return known instanceof Promise
      ? known.then((visitor) => this.orSignIn(context, app, plan, visitor, passing))
      : this.orSignIn(context, app, plan, known, passing);
  }

  /** Whoever has been found, else by signing in. */
  orSignIn(
    context: RequestContext,
    app: App,
    plan: SignInPlan,
    known: Visitor,
    passing = false,
  ): Visitor | Promise<Visitor> {
    return known.kind === 'anonymous' ? this.#signIn(context, app, plan, known, passing) : known;
  }

  #opened(found: Opened, { now, proto, audience }: RequestContext, plan: SignInPlan): Visitor | Promise<Visitor> {
    const secure = proto === 'https';
    // Another session may have taken its place, whose cookie is on its way to the browser: an answer to what was sent
    // before must not remove that one.
    if (found.kind === 'revoked' && audience !== 'person') return nobody;
    // Streams of it may be open still: the next sign-in, or the sign-out, is to know by the cookie which they are.
    if (found.kind === 'idle') return nobody;
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

  async #byAll(context: RequestContext, app: App, plan: SignInPlan, passing: boolean): Promise<Visitor> {
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
    const [person, ...others] = proofs.filter(({ by }) => !secondary.has(by.kind));
    const stranger = person && others.find(({ accepted }) => !isSame(accepted.identity, person.accepted.identity));
    if (stranger !== undefined) return this.#rejected(context, app, plan, stranger.by, twoPersons);
    const main = person ?? (session.kind === 'signed-in' ? undefined : proofs.find(({ by }) => by.kind === 'api_key'));
    // An approval alone names nobody who asks.
    const found =
      main === undefined || isSamePerson(session, main.accepted)
        ? await this.orSignIn(context, app, plan, session, passing)
        : await this.#proven(context, app, plan, main, session, passing);
    return found.kind === 'signed-in' ? this.#withProofs(found, proofs, context, app) : found;
  }

  /** By a credential that came with the request itself. */
  async #proven(
    context: RequestContext,
    app: App,
    plan: SignInPlan,
    { by, accepted }: Proof,
    { responseFields }: Anonymous | SignedIn,
    keepsNone: boolean,
  ): Promise<Visitor> {
    if (accepted.beginsSession === true && !keepsNone) {
      this.#parts.recorder.metrics.signIns.inc({ method: by.kind, result: 'accepted' });
      return this.#begun(context, app, plan, by, accepted);
    }
    let passing: Awaited<ReturnType<LiveSessions['passing']>>;
    try {
      passing = await this.#parts.sessions.passing(accepted, by, context.now);
    } catch (error) {
      return this.#notBegun(context, app, plan, by, error);
    }
    if (passing.kind === 'revoked') return this.#rejected(context, app, plan, by, revoked);
    const { live } = passing;
    // What is good for one use counts when it is used.
    if (accepted.spend === undefined && this.#isNewHere(context, app, by, live))
      this.#passed(context, app, by, accepted, live);
    return { kind: 'signed-in', live, responseFields, spend: NO_CLAIMS, appFields: NONE };
  }

  /** Once in a while is enough to be written down: a program sends its key with every request. From another address it is news again. */
  #isNewHere({ address, now }: RequestContext, app: App, { id }: Authenticator, { identity }: Live): boolean {
    const stay = JSON.stringify([id, app.name, address, identity.subject]);
    if (this.#stays.get(stay, now) !== undefined) return false;
    this.#stays.set(stay, true, now + stayMs, now);
    return true;
  }

  /** Writes down that somebody has come with a credential of their own. */
  #passed(context: RequestContext, app: App, by: Authenticator, { note }: Accepted, live: Live): void {
    const { recorder } = this.#parts;
    recorder.metrics.signIns.inc({ method: by.kind, result: 'accepted' });
    recorder.event(context, app, { kind: 'sign-in', method: by.kind, note: note ?? live.note }, live);
  }

  /** The same visitor with everything that was proven, and how it is used up. */
  #withProofs(visitor: SignedIn, proofs: readonly Proof[], context: RequestContext, app: App): SignedIn {
    const { live } = visitor;
    const kinds = proofs.map(({ by }) => by.kind as string);
    // A session of somebody else than the one who asks shows nothing.
    const credentials = new Set(live.passing ? kinds : [...kinds, 'session']);
    const key = proofs.find(({ by }) => by.kind === 'api_key');
    const spend = proofs.flatMap(({ by, accepted }): readonly Spendable[] => {
      const { spend: claim, approves, identity: approver } = accepted;
      if (claim === undefined) return [];
      if (approves === undefined) return [{ claim, used: (who) => this.#passed(context, app, by, accepted, who) }];
      const event = {
        kind: 'approval-used',
        ...approves,
        approver: approver.account,
        key: key && apiKeyIdOf(key.accepted.identity),
      } as const;
      return [{ claim, used: (who) => this.#parts.recorder.event(context, app, event, who) }];
    });
    return {
      ...visitor,
      live: {
        ...live,
        keys: key === undefined ? live.keys : keysOf(live, key),
        subject: { ...live.subject, credentials },
      },
      spend,
      appFields: proofs.flatMap(({ accepted }) => accepted.fields ?? []),
    };
  }

  #forgotten(secure: boolean): Visitor {
    return { kind: 'anonymous', responseFields: this.#parts.sessions.removal(secure) };
  }

  async #signIn(
    context: RequestContext,
    app: App,
    plan: SignInPlan,
    before: Anonymous,
    passing: boolean,
  ): Promise<Visitor> {
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
      if (outcome.kind === 'accepted' && passing) return this.#passing(context, app, plan, by, outcome, before);
      recorder.metrics.signIns.inc({ method: by.kind, result: outcome.kind });
      if (outcome.kind === 'accepted') return this.#begun(context, app, plan, by, outcome);
      return {
        kind: 'answered',
        reply: notSignedIn(context, plan.offer, { challenge: outcome.replyHeader }),
      };
    }
    return before;
  }

  /** A person has just signed in, for this one request. */
  async #passing(
    context: RequestContext,
    app: App,
    plan: SignInPlan,
    by: Authenticator,
    accepted: Accepted,
    before: Anonymous,
  ): Promise<Visitor> {
    const visitor = await this.#proven(context, app, plan, { by, accepted }, before, true);
    if (visitor.kind !== 'signed-in' || accepted.replyHeader === undefined) return visitor;
    return { ...visitor, responseFields: [...visitor.responseFields, 'WWW-Authenticate', accepted.replyHeader] };
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
    // A note says what could not be found out.
    const origin = { provider: by.id, lookUpGroups: accepted.lookUpGroups, groupsKnown: accepted.note === undefined };
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
      spend: NO_CLAIMS,
      appFields: NONE,
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

/** With the key that came beside whatever else says who asks. */
function keysOf({ keys = [] }: Live, { accepted: { identity, goodUntil } }: Proof): readonly LiveKey[] {
  const id = apiKeyIdOf(identity);
  return id === undefined ? keys : [...keys, { id, until: goodUntil }];
}

const isSamePerson = (session: Visitor, { identity }: Accepted): boolean =>
  session.kind === 'signed-in' && isSame(session.live.identity, identity);

/** Methods have subjects of their own; an account with its domain is the same person by whatever method. */
function isSame(one: Identity, other: Identity): boolean {
  if (one.subject === other.subject) return true;
  return one.account.includes('\\') && canonicalName(one.account) === canonicalName(other.account);
}

const twoPersons: Rejected = {
  kind: 'rejected',
  reason: 'credentials-of-two-persons',
  detail: 'the credentials of the request name different people',
};

/** Who holds one of these need not be the person who asks: others come first. */
const secondary: ReadonlySet<string> = new Set(['api_key', 'approval']);

const revoked: Rejected = {
  kind: 'rejected',
  reason: 'revoked',
  detail: 'the person behind this credential was signed out after it had been given to them',
};

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
