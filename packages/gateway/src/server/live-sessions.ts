/**
 * Sessions as the pipeline uses them: the cookie opened, groups named, roles worked
 * out, and the header block per app made, once, and kept in memory under the whole
 * cookie for as long as both the session and the cache's bounds allow.
 *
 * @module
 */
import { type PreparedFields, prepareFields } from '@cardea/http1';
import type { Accepted, Authenticator } from '../auth/authenticator.ts';
import type { CsrfTokens } from '../auth/csrf.ts';
import { AccountBarred } from '../auth/memberships.ts';
import {
  confirmedSession,
  packSession,
  renewedSession,
  type Session,
  type SessionOrigin,
  sessionEnd,
  sessionState,
  startSession,
  unpackSession,
} from '../auth/session.ts';
import type { Outdated } from '../auth/outdated.ts';
import type { Issued } from '../auth/revocation-list.ts';
import type { SessionCache } from '../auth/session-cache.ts';
import type { OpenedSession, SessionCookies } from '../auth/session-cookie.ts';
import type { Identity } from '../core/identity.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { CookieValue } from '../wire/cookies.ts';
import type { Fields } from '../wire/fields.ts';
import type { App } from './apps.ts';
import { deviceOf } from './device.ts';
import { identityHeaders } from './identity-headers.ts';
import { type Held, issuedOf, type Live } from './live.ts';
import type { AskMethod } from './recheck.ts';
import { nameOf, type SessionName, type SessionRegistry } from './registry.ts';
import type { RequestContext } from './request-context.ts';
import { revive, type ReviveOptions } from './revive.ts';
import { sessionFields, sessionRemoval } from './session-fields.ts';

/** What has been revoked, as this thread knows it. */
export interface RevocationCheck {
  /** False while it is not known at all what is revoked. */
  readonly ready: boolean;
  /** Another number whenever something more has been revoked: what was good at the same number is good still. */
  readonly version: number;
  isRevoked(about: Issued): boolean;
  /** Resolves when all is known that was revoked before the call; soon after it when nobody can be asked. */
  upToDate(): Promise<void>;
  /** The time of issue that makes a session good which begins now. */
  earliestIssue(who: Omit<Issued, 'id' | 'issuedAt'>, now: number): number;
}

export interface LiveSessionsOptions extends ReviveOptions {
  readonly cookies: SessionCookies;
  readonly cache: SessionCache<Held>;
  /** People of whom nothing that was found out before may be used. */
  readonly outdated: Pick<Outdated, 'covers'>;
  readonly registry: SessionRegistry;
  /** Keep the body of every session in the registry and only its name in the cookie. */
  readonly bodiesInRegistry: boolean;
  readonly revocations: RevocationCheck;
  readonly csrf: CsrfTokens;
  readonly recheck: AskMethod;
  readonly idleMs: number;
  readonly sameSite: 'lax' | 'strict' | 'none';
  /** Makes `X-Cardea-Assertion` for one app. */
  readonly assertion: (app: App, identity: Identity, roles: readonly string[], now: number) => string;
  /** How long one assertion is sent before a new one is made; well below its lifetime. */
  readonly assertionReuseMs: number;
}

export type Opened =
  | { readonly kind: 'ok'; readonly live: Live; readonly renew: boolean }
  | { readonly kind: 'expired' | 'idle' | 'invalid' | 'revoked' };

/** Opens, starts, renews and ends sessions. */
export class LiveSessions {
  readonly #options: LiveSessionsOptions;
  /** People of sessions that the registry keeps as they are. */
  readonly #kept = new WeakSet<Identity>();

  constructor(options: LiveSessionsOptions) {
    this.#options = options;
  }

  /**
   * Opens a cookie's value: at once when it was opened before, else with at most one question to the registry and one to the
   * directory. Rejects when the registry has to be asked and cannot be, and while it is not known what is revoked.
   */
  open(cookie: string, now: number): Opened | Promise<Opened> {
    const { cookies, idleMs, revocations } = this.#options;
    if (!revocations.ready) return Promise.reject(notRead());
    const held = this.#held(cookie, now);
    if (held !== undefined) {
      const { live } = held;
      if (held.goodAt !== revocations.version) {
        if (this.#isRevoked(live.session)) return { kind: 'revoked' };
        held.goodAt = revocations.version;
      }
      const state = sessionState(live.session, idleMs, now);
      return state.kind === 'ok' ? { kind: 'ok', live, renew: state.renew } : state;
    }
    const opened = cookies.open(cookie, now);
    if (opened.kind === 'ok') return this.#opened(cookie, opened, now, true);
    return opened.kind === 'reference' ? this.#dereferenced(cookie, opened, now) : opened;
  }

  /**
   * A new session for somebody who has just signed in, and the response fields that carry it. The session that the browser had
   * ends: it would be one that nobody sees any more. Rejects with `AccountBarred`, and with `StoreUnavailable` when the
   * session cannot be kept, or would not be opened.
   */
  async begin(
    identity: Identity,
    context: Pick<RequestContext, 'now' | 'proto' | 'address' | 'fields' | 'session'>,
    app: App,
    origin: SessionOrigin = {},
  ): Promise<{ readonly live: Live; readonly cookies: Fields }> {
    const { revocations, registry, cookies } = this.#options;
    const { now, proto, address, fields } = context;
    const { subject, account, upn } = identity;
    // Whoever was revoked a moment ago, which this thread need not have heard of yet, signs in again and stays.
    await revocations.upToDate();
    if (!revocations.ready) throw notRead();
    const authenticatedAt = revocations.earliestIssue({ subject, account, upn, ...origin }, now);
    const person = { ...identity, authenticatedAt };
    const revived = await this.#revive(startSession(person, now, origin), now, person);
    const { subject: known } = revived;
    const session = renewedSession(revived.session, now);
    const whole = this.#sealWhole(session);
    const groups = origin.groupsKnown === false ? { subject: { ...known, groupsKnown: false } } : {};
    const live = { ...revived, ...groups, inRegistry: whole === undefined };
    const place = { address, device: deviceOf(fields), app: app.name };
    await registry.begun(session, place, whole === undefined ? packSession(session) : undefined);
    this.#kept.add(session.identity);
    if (context.session.kind === 'one') void this.#replace(context.session.value, session, now);
    const value = whole ?? cookies.sealReference(session);
    return { live, cookies: this.#hand(value, { ...live, session }, proto === 'https') };
  }

  /** The response fields of the same session with the idle limit counted from now; none when it cannot be written now. */
  async renew(live: Live, now: number, secure: boolean): Promise<Fields> {
    const { registry, cookies } = this.#options;
    const session = renewedSession(live.session, now);
    const whole = this.#sealWhole(session);
    registry.seen(session, now, whole !== undefined);
    if (whole === undefined && !this.#kept.has(session.identity)) {
      // Otherwise the cookie would name what is not there, or is as it was. The old one is good for a while yet.
      if (!(await registry.changed(session, packSession(session)))) return [];
      this.#kept.add(session.identity);
    }
    return this.#hand(whole ?? cookies.sealReference(session), { ...live, session }, secure);
  }

  /**
   * Somebody whose credential comes with each request: no session begins. `fresh`: the first request for a while. What was
   * made for one credential is kept under the whole of it. Rejects with `AccountBarred`.
   */
  async passing(
    accepted: Accepted,
    { id: method, kind }: Pick<Authenticator, 'id' | 'kind'>,
    now: number,
  ): Promise<{ readonly kind: 'ok'; readonly live: Live; readonly fresh: boolean } | { readonly kind: 'revoked' }> {
    const { cache } = this.#options;
    const { identity, reuse } = accepted;
    // No cookie's value has a blank (RFC 6265, 4.1.1), whoever made it: the two cannot be taken for each other.
    const key = reuse && `${JSON.stringify([method, reuse.key])} `;
    const known = key === undefined ? undefined : this.#held(key, now);
    // What somebody was given before can have been revoked since. A key, or a proxy's word, shows with this very request who it is.
    const wasGiven = identity.authenticatedAt < now;
    if (known !== undefined)
      return wasGiven && this.#isRevoked(known.live.session)
        ? { kind: 'revoked' }
        : { kind: 'ok', live: known.live, fresh: false };
    // A name that stays the same from request to request, for tokens against forged ones.
    const id = `${kind}:${identity.subject}`;
    // A token that was made of a sign-in speaks for the method of that sign-in.
    const { lookUpGroups, note, provider = method } = accepted;
    const session = { ...startSession(identity, now, { provider, lookUpGroups }), id };
    if (wasGiven && this.#isRevoked(session)) return { kind: 'revoked' };
    const revived = await this.#revive(session, now, identity);
    // A note says what could not be found out.
    const subject = note === undefined ? revived.subject : { ...revived.subject, groupsKnown: false };
    const madeOf = accepted.madeOf && { ...session, ...accepted.madeOf };
    const { issued, keyId } = accepted.restsOn ?? {};
    const keys = keyId === undefined ? undefined : [{ id: keyId, until: undefined }];
    const live: Live = { ...revived, subject, passing: true, madeOf, restsOn: issued, keys, shown: !wasGiven };
    if (key !== undefined && reuse !== undefined) cache.set(key, { live, goodAt: Number.NaN }, reuse.until, now);
    return { kind: 'ok', live, fresh: true };
  }

  /** Ends a session everywhere, wherever its cookie may have got to. */
  async end(live: Live): Promise<void> {
    await this.#options.registry.ended(nameOf(live.session), 'signed-out');
  }

  /** Ends a session that was unused for too long: nobody is let in by it any more, but streams of it may be open. */
  async endIdle(cookie: CookieValue): Promise<void> {
    const named = cookie.kind === 'one' ? this.#options.cookies.nameIn(cookie.value) : undefined;
    if (named !== undefined) await this.#options.registry.ended(named, 'signed-out');
  }

  /** The response fields that remove the session's cookies from the browser. */
  removal(secure: boolean): Fields {
    return sessionRemoval(this.#options, secure);
  }

  /** Whether the session's own page sent this: the value of the field against forged requests. */
  isOwnRequest(live: Live, token: string): boolean {
    return this.#options.csrf.matches(token, live.session.id);
  }

  /** For our own forms. */
  csrfToken(live: Live): string {
    return this.#options.csrf.tokenFor(live.session.id);
  }

  /** The identity fields for one app, made once and reused until the assertion in them should be renewed. */
  headersFor(app: App, live: Live, now: number): PreparedFields {
    const ready = live.headers.get(app);
    if (ready !== undefined && now < ready.until) return ready.fields;
    const { assertion, assertionReuseMs } = this.#options;
    const roles = [...live.subject.roles];
    const jwt = app.headers.assertion === undefined ? '' : assertion(app, live.identity, roles, now);
    const fields = prepareFields(identityHeaders(app, live.identity, roles, jwt));
    live.headers.set(app, { fields, until: now + assertionReuseMs });
    return fields;
  }

  async #opened(
    cookie: string,
    opened: Extract<OpenedSession, { kind: 'ok' }>,
    now: number,
    whole: boolean,
  ): Promise<Opened> {
    if (this.#isRevoked(opened.session)) return { kind: 'revoked' };
    const { cache, registry, idleMs, recheck, revocations } = this.#options;
    let { session, renew } = opened;
    const checked = await recheck(session, now);
    if (checked?.kind === 'ended') {
      await registry.ended(nameOf(session), 'ended-by-provider');
      return { kind: 'revoked' };
    }
    if (checked?.kind === 'confirmed') {
      session = confirmedSession(session, checked.identity, checked.lookUpGroups, now);
      renew = true; // so that the browser brings what is known now
    }
    let live: Live;
    try {
      live = { ...(await this.#revive(session, now)), inRegistry: !whole };
    } catch (error) {
      if (!(error instanceof AccountBarred)) throw error;
      // The directory has disabled the account since: nothing is left of the session.
      await registry.ended(nameOf(session), 'account-barred');
      return { kind: 'revoked' };
    }
    // Providers and directories take their time, and it may have happened meanwhile.
    if (this.#isRevoked(session)) return { kind: 'revoked' };
    registry.seen(session, now, whole);
    cache.set(cookie, { live, goodAt: revocations.version }, sessionEnd(session, idleMs), now);
    return { kind: 'ok', live, renew };
  }

  async #dereferenced(
    cookie: string,
    { id, sealedAt }: Extract<OpenedSession, { kind: 'reference' }>,
    now: number,
  ): Promise<Opened> {
    const body = await this.#options.registry.body(id);
    const kept = body === undefined ? undefined : unpackSession(body);
    // The registry could hand out another session than the one that was asked for.
    if (kept === undefined || kept.id !== id) return { kind: 'invalid' };
    const session = renewedSession(kept, sealedAt);
    this.#kept.add(session.identity);
    const state = sessionState(session, this.#options.idleMs, now);
    return state.kind === 'ok' ? this.#opened(cookie, { kind: 'ok', session, renew: state.renew }, now, false) : state;
  }

  #isRevoked(session: Session): boolean {
    return this.#options.revocations.isRevoked(issuedOf(session));
  }

  /** What is in memory, unless the person's groups have been seen to be others since. */
  #held(key: string, now: number): Held | undefined {
    const { cache, outdated } = this.#options;
    const held = cache.get(key, now);
    if (held === undefined) return undefined;
    const { identity, namedAt } = held.live;
    return outdated.covers(identity.subject, namedAt, now) ? undefined : held;
  }

  /** The session as its cookie holds it; `undefined` when it does not fit, or is to be kept in the registry. */
  #sealWhole(session: Session): string | undefined {
    const { bodiesInRegistry, cookies } = this.#options;
    return bodiesInRegistry ? undefined : cookies.seal(session);
  }

  /** Remembers a session under its cookie, and gives the response fields that bring it to the browser. */
  #hand(value: string, live: Live, secure: boolean): Fields {
    const { cache, idleMs } = this.#options;
    const { session, namedAt } = live;
    // Never looked up: whatever happened while it was sealed is found at its first use.
    cache.set(value, { live, goodAt: Number.NaN }, sessionEnd(session, idleMs), namedAt);
    return sessionFields(this.#options, value, session.id, secure);
  }

  /**
   * Ends the session of a cookie that the browser is about to forget, also one that was unused for too long: streams of it may
   * be open, which go on with a new session of the same person, and end with one of another. Never rejects.
   */
  async #replace(cookie: string, session: Session, now: number): Promise<void> {
    const { cookies, registry } = this.#options;
    const named = cookies.nameIn(cookie);
    if (named === undefined || now >= named.expiresAt) return;
    const subject = named.subject ?? (await this.#subjectOf(named));
    const isSame = subject === session.identity.subject;
    registry.replaced(named, isSame ? { session, body: packSession(session) } : undefined);
  }

  /** Whose session it is that the registry keeps; `undefined` when it does not say so now. */
  async #subjectOf({ id }: SessionName): Promise<string | undefined> {
    try {
      const body = await this.#options.registry.body(id);
      return body && unpackSession(body)?.identity.subject;
    } catch {
      return undefined;
    }
  }

  /** `fresh`: the identity as a sign-in has just found it, group names included. */
  async #revive(session: Session, now: number, fresh?: Identity): Promise<Live> {
    return (await revive(this.#options, session, now, fresh)).live;
  }
}

const notRead = (): StoreUnavailable => new StoreUnavailable('the list of revoked sessions has not been read yet');
