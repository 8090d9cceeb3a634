import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { refreshIdentity } from '../src/auth/oidc/refresh.ts';
import { openGrant } from '../src/auth/oidc/grant.ts';
import type { OidcProvider } from '../src/auth/oidc/provider.ts';
import { Secret } from '../src/core/secret.ts';
import { sealer } from '../src/tokens/seal.ts';
import { until } from './harness.ts';
import { oidcDefaults, type OidcHarness, startOidcHarness, TestBrowser } from './oidc-harness.ts';
import { startOidcProvider, type TestProvider } from './oidc-provider.ts';

let gateway: OidcHarness;
let corp: TestProvider;
let partner: TestProvider;
let provider: OidcProvider;

const secret = 'of-the-tests-alone-0123456789abcdef';

before(async () => {
  gateway = await startOidcHarness();
  corp = await startOidcProvider({ clientId: 'cardea', clientSecret: secret, gateway: gateway.origin, id: 'corp' });
  partner = await startOidcProvider({ host: '127.0.0.2', clientId: 'public', gateway: gateway.origin, id: 'partner' });
  serve();
});
after(async () => {
  await gateway.close();
  await corp.close();
  await partner.close();
});
const serve = (more: object = {}): void => {
  const [first] = gateway.serve([
    {
      ...oidcDefaults,
      issuer: corp.issuer,
      clientId: 'cardea',
      authentication: { kind: 'secret', secret: new Secret(secret) },
      refresh: true,
      ...more,
    },
    { ...oidcDefaults, id: 'partner', name: 'Partner', issuer: partner.issuer, clientId: 'public' },
  ]);
  if (first === undefined) throw new Error('no provider');
  provider = first;
};
afterEach(() => void (gateway.skewMs = 0));

const signIn = async (browser: TestBrowser, name: string, path = '/reports/7?year=2026'): Promise<string> => {
  const page = await browser.throughProvider(await browser.visit(`${gateway.origin}${path}`), name);
  assert.equal(page.status, 200, page.body);
  return browser.cookies('127.0.0.1').get('cardea') ?? '';
};

test('a person signs in by a real provider and comes back to where they wanted to go', async () => {
  const browser = new TestBrowser();
  const page = await browser.throughProvider(await browser.visit(`${gateway.origin}/reports/7?year=2026`), 'alice');
  const { subject, account, name, email, groups, at, method } = JSON.parse(page.body);
  assert.deepEqual(
    { subject, account, name, email, groups, at, method },
    {
      subject: `${corp.issuer}|alice`,
      account: 'alice',
      name: 'Alice Smith',
      email: 'alice@corp.example',
      groups: ['team-ai', 'traders'],
      at: '/reports/7?year=2026',
      method: 'oidc',
    },
  );
  assert.equal(gateway.audit.at(-1)?.kind, 'sign-in');
});

test('the way to the provider has state, nonce and PKCE S256, and the transaction cookie is gone after the sign-in', async () => {
  const browser = new TestBrowser();
  const page = await browser.step(`${gateway.origin}/auth/login/corp?return=/x`);
  const query = new URL(page.headers.location ?? '').searchParams;
  assert.match(query.get('state') ?? '', /^[\w-]{43}$/);
  assert.match(query.get('nonce') ?? '', /^[\w-]{43}$/);
  assert.equal(query.get('code_challenge_method'), 'S256');
  assert.equal(query.get('redirect_uri'), `${gateway.origin}/auth/callback/corp`);
  await signIn(browser, 'alice');
  const left = [...browser.cookies('127.0.0.1').keys()].filter((name) => name.startsWith('cardea-tx'));
  assert.equal(left.length, 1, 'that of the first step, which was never finished');
});

test('two tabs that sign in at once both arrive where they wanted to go', async () => {
  const browser = new TestBrowser();
  const atProvider = (url: string): boolean => url.startsWith(corp.issuer);
  const [one, two] = await Promise.all([
    browser.visit(`${gateway.origin}/one`, undefined, atProvider),
    browser.visit(`${gateway.origin}/two`, undefined, atProvider),
  ]);
  const first = await browser.throughProvider(await browser.visit(one.url), 'alice');
  const second = await browser.throughProvider(await browser.visit(two.url), 'alice');
  assert.deepEqual([JSON.parse(first.body).at, JSON.parse(second.body).at], ['/one', '/two']);
});

test('a fragment survives when the provider asks nothing', async () => {
  const browser = new TestBrowser();
  await signIn(browser, 'alice');
  browser.setCookie('127.0.0.1', 'cardea', '');
  const page = await browser.visit(`${gateway.origin}/reports#chapter-3`);
  assert.equal(page.url, `${gateway.origin}/reports#chapter-3`);
});

test('a fragment that is part of the return parameter survives whatever the provider asks', async () => {
  const browser = new TestBrowser();
  const start = `${gateway.origin}/auth/login/corp?return=${encodeURIComponent('/reports#chapter-3')}`;
  const page = await browser.throughProvider(await browser.visit(start), 'alice');
  assert.equal(page.url, `${gateway.origin}/reports#chapter-3`);
});

test('an answer is taken once: the same address again signs nobody in', async () => {
  const browser = new TestBrowser();
  const transactions = (): [string, string][] => [...browser.cookies('127.0.0.1')];
  const isCallback = (url: string): boolean => url.includes('/auth/callback/');
  const page = await browser.throughProvider(await browser.visit(`${gateway.origin}/`), 'alice', isCallback);
  const kept = transactions();
  assert.equal((await browser.step(page.url)).status, 303);
  for (const [name, value] of kept) browser.setCookie('127.0.0.1', name, value);
  const again = await browser.step(page.url);
  assert.equal(again.status, 403);
  const event = gateway.audit.at(-1);
  assert.equal(event?.kind === 'sign-in-failed' && event.reason, 'transaction-used');
});

test('a transaction that took more than ten minutes is over', async () => {
  const browser = new TestBrowser();
  const isCallback = (url: string): boolean => url.includes('/auth/callback/');
  const page = await browser.throughProvider(await browser.visit(`${gateway.origin}/`), 'alice', isCallback);
  gateway.skewMs = 600_001;
  assert.equal((await browser.step(page.url)).status, 403);
  const event = gateway.audit.at(-1);
  assert.equal(event?.kind === 'sign-in-failed' && event.reason, 'transaction-expired');
});

test('an answer that another browser has begun signs nobody in', async () => {
  const attacker = new TestBrowser();
  const isCallback = (url: string): boolean => url.includes('/auth/callback/');
  const page = await attacker.throughProvider(await attacker.visit(`${gateway.origin}/`), 'alice', isCallback);
  const victim = new TestBrowser();
  const answer = await victim.step(page.url);
  assert.equal(answer.status, 403);
  assert.equal(victim.cookies('127.0.0.1').get('cardea'), undefined);
});

test('a transaction cookie is no session', async () => {
  const browser = new TestBrowser();
  await browser.step(`${gateway.origin}/auth/login/corp`);
  const [value = ''] = [...browser.cookies('127.0.0.1').values()];
  assert.equal(gateway.who(value), undefined);
});

test('a person who cancels gets a calm page and no session', async () => {
  const browser = new TestBrowser();
  const page = await browser.visit(`${gateway.origin}/`);
  const abort = /href="([^"]*abort[^"]*)"/.exec(page.body)?.[1] ?? '';
  const answer = await browser.visit(new URL(abort, page.url).href);
  assert.equal(answer.status, 403);
  assert.match(answer.body, /you have cancelled/);
  const event = gateway.audit.at(-1);
  assert.equal(event?.kind === 'sign-in-failed' && event.reason, 'access-denied');
});

test('asked silently, a provider that would have to ask is asked again in the usual way', async () => {
  const browser = new TestBrowser();
  const start = `${gateway.origin}/auth/login/corp?silent=1&return=/quiet`;
  const page = await browser.throughProvider(await browser.visit(start), 'alice');
  assert.equal(JSON.parse(page.body).at, '/quiet');
  assert.ok(page.way.some((url) => url.includes('prompt=none')));
});

test('the keys of the provider change in the middle of a sign-in, and it works', async () => {
  const browser = new TestBrowser();
  const isCallback = (url: string): boolean => url.includes('/auth/callback/');
  const page = await browser.throughProvider(await browser.visit(`${gateway.origin}/`), 'alice');
  assert.equal(page.status, 200);
  const other = new TestBrowser();
  const waiting = await other.visit(`${gateway.origin}/`);
  await corp.rotateKeys();
  const asked = corp.requests('/jwks');
  const back = await other.throughProvider(waiting, 'alice', isCallback);
  assert.equal((await other.step(back.url)).status, 303);
  assert.equal(corp.requests('/jwks'), asked + 1);
});

test('two providers side by side give two people of the same name two subjects', async () => {
  const browser = new TestBrowser();
  const page = await browser.throughProvider(
    await browser.visit(`${gateway.origin}/auth/login/partner?return=/`),
    'alice',
  );
  assert.equal(JSON.parse(page.body).subject, `${partner.issuer}|alice`);
});

test('a refresh notices new groups, and keeps the times of the session', async () => {
  const browser = new TestBrowser();
  const session = gateway.who(await signIn(browser, 'alice'));
  const kept = gateway.grants.get(session?.id ?? '');
  assert.ok(session !== undefined && kept !== undefined);
  const alice = corp.accounts.get('alice');
  assert.ok(alice);
  alice.groups = ['team-ai', 'risk'];
  const parts = { provider, sealer: sealer(gateway.ring, 'approval'), claims: gateway.claims };
  const renewed = await refreshIdentity(parts, session.identity, kept, Date.now());
  assert.equal(renewed.kind, 'renewed');
  if (renewed.kind !== 'renewed') return;
  assert.deepEqual(renewed.identity, { ...session.identity, provenAt: undefined, groups: ['team-ai', 'risk'] });
  alice.groups = ['team-ai', 'traders'];
});

test('a refresh of an account that was disabled ends the session', async () => {
  const browser = new TestBrowser();
  const session = gateway.who(await signIn(browser, 'bob'));
  const kept = gateway.grants.get(session?.id ?? '');
  const bob = corp.accounts.get('bob');
  assert.ok(session !== undefined && kept !== undefined && bob !== undefined);
  bob.disabled = true;
  const parts = { provider, sealer: sealer(gateway.ring, 'approval'), claims: gateway.claims };
  const renewed = await refreshIdentity(parts, session.identity, kept, Date.now());
  bob.disabled = false;
  assert.equal(renewed.kind === 'ended' && renewed.reason, 'refresh-refused');
});

test('twenty threads that refresh the same session ask the provider once', async () => {
  const browser = new TestBrowser();
  const session = gateway.who(await signIn(browser, 'alice'));
  const kept = gateway.grants.get(session?.id ?? '');
  assert.ok(session !== undefined && kept !== undefined);
  const parts = { provider, sealer: sealer(gateway.ring, 'approval'), claims: gateway.claims };
  const before = corp.requests('/token');
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () => refreshIdentity(parts, session.identity, kept, Date.now())),
  );
  assert.equal(outcomes.filter(({ kind }) => kind === 'renewed').length, 1);
  assert.equal(outcomes.filter(({ kind }) => kind === 'elsewhere').length, 19);
  assert.equal(corp.requests('/token'), before + 1);
});

test('signing out leads to the provider, whose logout token ends the session here', async () => {
  const browser = new TestBrowser();
  const cookie = await signIn(browser, 'alice');
  const session = gateway.who(cookie);
  const kept = gateway.grants.get(session?.id ?? '');
  assert.ok(kept);
  const grant = openGrant(sealer(gateway.ring, 'approval'), kept);
  const url = await provider.logoutUrl(grant, `${gateway.origin}/auth/logout`, Date.now());
  const asked = await browser.visit(url ?? '');
  const action = /<form[^>]*action="([^"]*)"/.exec(asked.body)?.[1] ?? '';
  const xsrf = /name="xsrf" value="([^"]*)"/.exec(asked.body)?.[1] ?? '';
  const done = await browser.visit(action, { xsrf, logout: 'yes' }, (at) => at.startsWith(gateway.origin));
  assert.equal(done.url, `${gateway.origin}/auth/logout`);
  await until(() => gateway.who(cookie) === undefined, 'the logout token');
  assert.equal(gateway.audit.at(-1)?.kind, 'provider-logout');
});

test('a strict session cookie is set by a page of ours, since browsers would not send it along from the provider', async () => {
  const [first] = gateway.serve(
    [
      {
        ...oidcDefaults,
        issuer: corp.issuer,
        clientId: 'cardea',
        authentication: { kind: 'client_secret_basic', secret: new Secret(secret) },
      },
    ],
    { sameSite: 'strict' },
  );
  assert.ok(first);
  const browser = new TestBrowser();
  const page = await browser.throughProvider(await browser.visit(`${gateway.origin}/deep?x=1`), 'alice');
  assert.equal(page.status, 200);
  assert.equal(page.headers['refresh'], '0; url=/deep?x=1');
  assert.match(page.body, /href="\/deep\?x=1"/);
  serve();
});
