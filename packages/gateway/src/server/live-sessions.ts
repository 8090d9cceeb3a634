/**
 * Sessions as the pipeline uses them: the cookie opened, groups named, roles worked
 * out, and the header block per app made, once, and kept in memory under the whole
 * cookie for as long as both the session and the cache's bounds allow.
 *
 * @module
 */
import { type PreparedFields, prepareFields } from '@cardea/http1';
import { withGroupNames } from '../auth/group-names.ts';
import { renewedSession, type Session, sessionEnd, sessionState, startSession } from '../auth/session.ts';
import type { SessionCache } from '../auth/session-cache.ts';
import type { SessionCookies } from '../auth/session-cookie.ts';
import type { Identity } from '../core/identity.ts';
import { type Subject, subjectOf } from '../policy/subject.ts';
import type { Role } from '../policy/rule.ts';
import type { Directory } from '../ports/directory.ts';
import { setCookie } from '../wire/cookies.ts';
import type { App } from './apps.ts';
import { identityHeaders } from './identity-headers.ts';

/** One signed-in person with everything that requests need of them. */
export interface Live {
  readonly session: Session;
  /** With group names. */
  readonly identity: Identity;
  readonly subject: Subject;
  /** Says why some groups have no name, when some have none. */
  readonly note: string | undefined;
  /** When the groups were named. A renewal does not make them younger. */
  readonly namedAt: number;
  readonly headers: Map<App, { readonly fields: PreparedFields; readonly until: number }>;
}

export interface LiveSessionsOptions {
  readonly cookies: SessionCookies;
  readonly cache: SessionCache<Live>;
  readonly directory: Directory | undefined;
  readonly roles: Readonly<Record<string, Role>>;
  readonly idleMs: number;
  readonly sameSite: 'lax' | 'strict' | 'none';
  /** Makes `X-Cardea-Assertion` for one app. */
  readonly assertion: (app: App, identity: Identity, roles: readonly string[], now: number) => string;
  /** How long one assertion is sent before a new one is made; well below its lifetime. */
  readonly assertionReuseMs: number;
}

export type Opened =
  | { readonly kind: 'ok'; readonly live: Live; readonly renew: boolean }
  | { readonly kind: 'expired' | 'idle' | 'invalid' };

/** Opens, starts, renews and ends sessions. */
export class LiveSessions {
  readonly #options: LiveSessionsOptions;

  constructor(options: LiveSessionsOptions) {
    this.#options = options;
  }

  /** Opens a cookie's value: at once when it was opened before, else with at most one question to the directory. */
  open(cookie: string, now: number): Opened | Promise<Opened> {
    const { cache, cookies, idleMs } = this.#options;
    const known = cache.get(cookie, now);
    if (known !== undefined) {
      const state = sessionState(known.session, idleMs, now);
      return state.kind === 'ok' ? { kind: 'ok', live: known, renew: state.renew } : state;
    }
    const opened = cookies.open(cookie, now);
    if (opened.kind !== 'ok') return opened;
    return this.#revive(opened.session, now).then((live) => {
      cache.set(cookie, live, sessionEnd(opened.session, idleMs), now);
      return { kind: 'ok', live, renew: opened.renew };
    });
  }

  /** A new session for somebody who has just signed in, with the group names that the sign-in has found. */
  start(identity: Identity, now: number): Live {
    return this.#live(startSession(identity, now), identity, undefined, now);
  }

  /** The value for `Set-Cookie`, with the idle limit counted from now; `undefined` when the identity does not fit into a cookie. */
  seal(live: Live, now: number, secure: boolean): string | undefined {
    const session = renewedSession(live.session, now);
    const sealed = this.#options.cookies.seal(session);
    if (sealed.kind === 'too-large') return undefined;
    this.#options.cache.set(
      sealed.value,
      { ...live, session },
      sessionEnd(session, this.#options.idleMs),
      live.namedAt,
    );
    return this.#cookie(sealed.value, secure);
  }

  /** Forgets what is in memory for this cookie, and gives the `Set-Cookie` value that removes it from the browser. */
  end(cookie: string | undefined, secure: boolean): string {
    if (cookie !== undefined) this.#options.cache.delete(cookie);
    return this.#cookie('', secure, 0);
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

  async #revive(session: Session, now: number): Promise<Live> {
    if (session.groupsFrom === 'session') return this.#live(session, session.identity, undefined, now);
    const { identity, note } = await withGroupNames(session.identity, this.#options.directory, now);
    return this.#live(session, identity, note, now);
  }

  #live(session: Session, identity: Identity, note: string | undefined, now: number): Live {
    const subject = subjectOf(identity, this.#options.roles);
    return { session, identity, subject, note, namedAt: now, headers: new Map() };
  }

  #cookie(value: string, secure: boolean, maxAge?: number): string {
    return setCookie({
      name: sessionCookieName(secure),
      value,
      secure,
      httpOnly: true,
      sameSite: this.#options.sameSite,
      path: '/',
      ...(maxAge === undefined ? {} : { maxAge }),
    });
  }
}

/** `__Host-` pins a cookie to this host over TLS (RFC 6265bis, 4.1.3.2); without TLS browsers refuse that name. */
export const sessionCookieName = (secure: boolean): string => (secure ? '__Host-cardea' : 'cardea');
