/**
 * The endpoints of OpenID Connect behind the real engine on loopback, with real cookies, sessions, claims and revocations,
 * and a client that behaves as a browser does, as far as redirects, cookies and forms go.
 *
 * @module
 */
import { startEngine } from '@cardea/http1';
import { MemoryReplayCache } from '@cardea/kerberos';
import { sessionCookies } from '../src/auth/session-cookie.ts';
import { type Session, startSession } from '../src/auth/session.ts';
import type { OidcOptions } from '../src/auth/oidc/options.ts';
import type { Outbound } from '../src/auth/oidc/outbound.ts';
import { OidcProvider } from '../src/auth/oidc/provider.ts';
import type { EventParticulars } from '../src/core/audit-event.ts';
import { subjectOf } from '../src/policy/subject.ts';
import { providerSessionKey } from '../src/ports/revocations.ts';
import { type Endpoint, findEndpoint } from '../src/server/endpoints/endpoint.ts';
import { oidcBackchannelLogout } from '../src/server/endpoints/oidc-backchannel-logout.ts';
import { oidcCallback } from '../src/server/endpoints/oidc-callback.ts';
import { oidcLogin, type OidcParts } from '../src/server/endpoints/oidc-login.ts';
import type { Live } from '../src/server/live.ts';
import { requestReader } from '../src/server/request-context.ts';
import { createPages } from '../src/server/pages/layout.ts';
import { redirectReply } from '../src/server/replies.ts';
import { KeyRing, newMasterKey } from '../src/tokens/key-ring.ts';
import { sealer } from '../src/tokens/seal.ts';
import { readCookie, setCookie } from '../src/wire/cookies.ts';
import { send, type TestResponse } from './harness.ts';

/** Defaults of an entry in the configuration. */
export const oidcDefaults: Omit<OidcOptions, 'issuer' | 'clientId'> = {
  id: 'corp',
  name: 'Corp',
  discovery: undefined,
  authentication: { kind: 'none' },
  scopes: ['openid', 'profile', 'email'],
  claims: {
    user: undefined,
    subject: 'sub',
    name: 'name',
    email: 'email',
    upn: 'upn',
    groups: 'groups',
    roles: undefined,
  },
  userinfo: false,
  groupNames: {},
  groupsAllowed: [],
  groupsFrom: 'claims',
  graph: { url: 'https://graph.microsoft.com', names: 'none', onFailure: 'refuse' },
  tenants: [],
  lifetimeMs: 8 * 3_600_000,
  refresh: false,
  timeoutMs: 2_000,
  logoutAtProvider: true,
  ca: undefined,
  proxy: undefined,
};

export interface OidcHarness {
  readonly origin: string;
  /** The providers, once they are known (the gateway's address has to be known before they are started). */
  serve(
    options: readonly OidcOptions[],
    more?: { readonly outbound?: Outbound; readonly sameSite?: 'strict' },
  ): OidcProvider[];
  readonly audit: EventParticulars[];
  readonly sessions: Map<string, Session>;
  readonly grants: Map<string, Uint8Array>;
  readonly ring: KeyRing;
  readonly claims: MemoryReplayCache;
  /** Milliseconds to add to the real time. */
  skewMs: number;
  /** Who a cookie stands for. */
  who(cookie: string): Session | undefined;
  close(): Promise<void>;
}

const limits = {
  headBytes: 32_768,
  headerCount: 100,
  headTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
  bodyBytes: 1_000_000,
  bodyTimeoutMs: 10_000,
  writeTimeoutMs: 10_000,
};

/** Starts the endpoints without a provider. Close it at the end of the test. */
export async function startOidcHarness(): Promise<OidcHarness> {
  const ring = new KeyRing([newMasterKey(Date.now())]);
  const now = (): number => Date.now() + harness.skewMs;
  const claims = new MemoryReplayCache({ now });
  const cookies = sessionCookies({ sealer: sealer(ring, 'session'), idleMs: 3_600_000 });
  const revoked = new Set<string>();
  const audit: EventParticulars[] = [];
  const sessions = new Map<string, Session>();
  const grants = new Map<string, Uint8Array>();
  let endpoints: readonly Endpoint[] = [];
  let providers: OidcProvider[] = [];
  let sameSite: 'strict' | 'lax' = 'lax';

  const liveOf = (session: Session): Live => ({
    session,
    identity: session.identity,
    subject: subjectOf(session.identity, {}),
    note: undefined,
    namedAt: 0,
    passing: false,
    headers: new Map(),
  });
  const who = (value: string): Session | undefined => {
    const opened = cookies.open(value, now());
    if (opened.kind !== 'ok') return undefined;
    const { provider = '', providerSession = '', identity } = opened.session;
    if (revoked.has(providerSessionKey(provider, providerSession)) || revoked.has(identity.subject)) return undefined;
    return opened.session;
  };

  const read = requestReader({
    trusted: () => false,
    mayBePlain: () => true,
    stripIdentity: (fields) => ({ fields, removed: [] }),
    pages: createPages(),
  });
  const engine = await startEngine(
    { address: '127.0.0.1', port: 0, limits, onError: (detail, cause) => console.error(detail, cause) },
    {
      decide(head) {
        const context = read(head, now());
        if ('kind' in context) return { kind: 'reply', reply: { status: 400, fields: [], body: context.reason } };
        const endpoint = findEndpoint(endpoints, context, '/auth');
        const cookie = readCookie(context.fields, 'cardea');
        const session = cookie.kind === 'one' ? who(cookie.value) : undefined;
        if (endpoint === 'unknown') return { kind: 'reply', reply: { status: 404, fields: [], body: 'unknown' } };
        if (endpoint === undefined) {
          const login = `/auth/login/${providers[0]?.id}?return=${encodeURIComponent(context.target)}`;
          if (session === undefined) return { kind: 'reply', reply: redirectReply(login) };
          const body = JSON.stringify({ ...session.identity, at: context.target });
          return { kind: 'reply', reply: { status: 200, fields: [], body } };
        }
        return {
          kind: 'endpoint',
          maxBody: 65_536,
          handle: (request) =>
            endpoint.handle(request, {
              context,
              app: Object.create(null),
              live: undefined,
              offerFor: () => ({ prefix: '/auth', challenges: [], ways: [] }),
              isGoodAt: () => true,
              record: (event) => audit.push(event),
              begin: async (identity, about) => {
                const started = startSession(identity, context.now, about);
                sessions.set(started.id, started);
                const value = cookies.seal(started);
                if (value === undefined) throw new Error('too large for this harness');
                const set = setCookie({ name: 'cardea', value, secure: false, httpOnly: true, sameSite });
                return { live: liveOf(started), cookies: ['Set-Cookie', set] };
              },
            }),
        };
      },
      upstreamFailed: () => ({ status: 502, fields: [], body: '' }),
      badRequest: (status, detail) => ({ status, fields: [], body: detail }),
    },
  );

  const harness: OidcHarness = {
    origin: `http://127.0.0.1:${engine.port}`,
    audit,
    sessions,
    grants,
    ring,
    claims,
    skewMs: 0,
    who,
    serve(options, more = {}) {
      sameSite = more.sameSite ?? 'lax';
      providers = options.map((one) => new OidcProvider(one, more.outbound));
      endpoints = providers.flatMap((provider) => {
        const parts: OidcParts = { prefix: '/auth', provider, transactions: sealer(ring, 'transaction') };
        return [
          oidcLogin(parts),
          oidcCallback({
            ...parts,
            claims,
            sameSite,
            grants: sealer(ring, 'approval'),
            keep: (live, grant) => void grants.set(live.session.id, grant),
          }),
          oidcBackchannelLogout({ provider, claims, revoke: async ({ key }) => void revoked.add(key) }),
        ];
      });
      return providers;
    },
    async close() {
      for (const provider of providers) provider.close();
      await engine.drain(0);
    },
  };
  return harness;
}

/** A page that a browser has ended up at. */
export interface Page extends TestResponse {
  readonly url: string;
  /** Every address on the way, the last one included. */
  readonly way: readonly string[];
}

/** Cookies, redirects and forms, as browsers have them. */
export class TestBrowser {
  readonly #cookies = new Map<string, Map<string, string>>();

  cookies(host: string): ReadonlyMap<string, string> {
    return this.#cookies.get(host) ?? new Map();
  }

  setCookie(host: string, name: string, value: string): void {
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    jar.set(name, value);
    this.#cookies.set(host, jar);
  }

  /** One request, without following where it leads. A fragment stays, as it does in browsers when a redirect has none. */
  async step(url: string, form?: Readonly<Record<string, string>>): Promise<Page> {
    const { hostname } = new URL(url);
    const cookie = [...this.cookies(hostname)].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await send(url, {
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        Accept: 'text/html',
        ...(cookie === '' ? {} : { Cookie: cookie }),
        ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
      },
      ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
    });
    for (const line of response.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? [];
      const expires = /expires=([^;]*)/i.exec(line)?.[1];
      const gone = /max-age=0/i.test(line) || (expires !== undefined && Date.parse(expires) < Date.now());
      this.setCookie(hostname, name, value);
      if (gone) this.#cookies.get(hostname)?.delete(name);
    }
    return { ...response, url, way: [url] };
  }

  /** Follows redirects until there is a page, or until `stop` says that it is enough. */
  async visit(url: string, form?: Readonly<Record<string, string>>, stop?: (url: string) => boolean): Promise<Page> {
    let page = await this.step(url, form);
    const way = [url];
    while (page.status >= 300 && page.status < 400) {
      if (way.length > 20) throw new Error(`Too many redirects: ${way.join(' ')}`);
      const next = new URL(page.headers.location ?? '', page.url);
      if (next.hash === '') next.hash = new URL(page.url).hash;
      way.push(next.href);
      if (stop?.(next.href) === true) return { ...page, url: next.href, way };
      page = await this.step(next.href);
    }
    return { ...page, way };
  }

  /** Fills in and sends the provider's forms (login, consent) until it lets go of us. */
  async throughProvider(page: Page, name: string, stop?: (url: string) => boolean): Promise<Page> {
    let at = page;
    const way = [...page.way];
    for (let i = 0; i < 5; i++) {
      const action = /<form[^>]*action="([^"]*)"/.exec(at.body)?.[1];
      if (action === undefined || !/name="prompt"/.test(at.body)) break;
      const fields: Record<string, string> = { login: name, password: 'any' };
      for (const [, key = '', value = ''] of at.body.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g))
        fields[key] = value;
      at = await this.visit(new URL(action, at.url).href, fields, stop);
      way.push(...at.way);
      if (stop?.(at.url) === true) break;
    }
    return { ...at, way };
  }
}
