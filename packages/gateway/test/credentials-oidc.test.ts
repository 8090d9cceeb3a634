/** OpenID Connect by way of the whole gateway, with a real provider: signing in and out, from either side, and what happens in between. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { freePort } from '../../../lab/ports.ts';
import { openSocketWith, openStream, startWatched, userIn, visitorIn, type WatchedGateway } from './credentials.ts';
import { asBrowser, send, until } from './harness.ts';
import { type Page, TestBrowser } from './oidc-harness.ts';
import { startOidcProvider, type TestProvider } from './oidc-provider.ts';
import { cardeaSessions, listed } from './revocations.ts';

const secret = 'of-the-tests-alone-0123456789abcdef';
let gateway: WatchedGateway;
let corp: TestProvider;
let later = 0;
const cookies: string[] = [];

before(async () => {
  // Each must know the other's address before it starts.
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  corp = await startOidcProvider({ clientId: 'cardea', clientSecret: secret, gateway: origin, id: 'corp' });
  gateway = await startWatched({
    now: () => Date.now() + later,
    listen: `{ address: "127.0.0.1:${port}" }`,
    files: { 'client-secret': secret },
    config: (upstream) => `
sign_in:
  - oidc:
      id: corp
      name: Company account
      issuer: ${corp.issuer}
      client_id: cardea
      client_secret: "\${file:./client-secret}"
      claims: { user: "CORP\\\\{preferred_username}", groups: groups }
      refresh: true
      refresh_every: 1m
session: { lifetime: 8h, idle: 1h }
apps:
  - name: desk
    host: 127.0.0.1
    upstream: "${upstream}"
    rules: [{ path: /reports/**, groups: [traders] }, { path: /**, signed_in: true }]
`,
  });
});
after(async () => {
  await gateway.close();
  await corp.close();
});
beforeEach(() => {
  later = 0;
  for (const account of corp.accounts.values()) account.disabled = false;
});

/** Signs in with a browser of one's own, by opening a page. */
async function signedIn(
  name: string,
  path = '/api/whoami',
): Promise<{ readonly browser: TestBrowser; readonly page: Page }> {
  const browser = new TestBrowser();
  const page = await browser.throughProvider(await browser.visit(`${gateway.origin}${path}`), name);
  cookies.push(browser.cookies('127.0.0.1').get('cardea') ?? '');
  return { browser, page };
}
const cookieOf = (browser: TestBrowser): string => `cardea=${browser.cookies('127.0.0.1').get('cardea') ?? ''}`;
const whoami = async (cookie: string): Promise<string | undefined> =>
  userIn(await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: cookie } }));

/** Says yes on our page for signing out. */
async function signOutHere(browser: TestBrowser): Promise<Page> {
  const asking = await browser.visit(`${gateway.origin}/auth/logout`);
  const csrf = /name="csrf" value="([^"]*)"/.exec(asking.body)?.[1] ?? '';
  return browser.step(`${gateway.origin}/auth/logout`, { csrf });
}

/** Says yes on the provider's page, and follows where it leads. */
async function signOutThere(browser: TestBrowser, url: string): Promise<Page> {
  const asking = await browser.visit(url);
  const action = /<form[^>]*action="([^"]*)"/.exec(asking.body)?.[1] ?? '';
  const xsrf = /name="xsrf" value="([^"]*)"/.exec(asking.body)?.[1] ?? '';
  return browser.visit(action, { xsrf, logout: 'yes' });
}

test('a person who opens a page comes back to it by way of the provider, and the app knows them', async () => {
  const { page, browser } = await signedIn('alice');
  assert.deepEqual([page.url, page.status], [`${gateway.origin}/api/whoami`, 200]);
  const { user, groups } = JSON.parse(page.body);
  assert.deepEqual([user, groups], ['CORP\\alice', ['team-ai', 'traders']]);
  const headers = { Cookie: cookieOf(browser) };
  const stream = await openStream(`${gateway.origin}/events`, headers);
  stream.close();
  assert.equal(visitorIn(stream.first).user, 'CORP\\alice');
  const upgrade = await openSocketWith(`${gateway.origin}/ws`, { headers });
  assert.equal(upgrade.kind === 'open' && upgrade.visitor.user, 'CORP\\alice');
  if (upgrade.kind === 'open') upgrade.socket.terminate();
  const [event] = gateway.audit('sign-in');
  assert.deepEqual([event?.['method'], event?.['account']], ['oidc', 'CORP\\alice']);
});

test('an API call and an upgrade are told, and not sent to the provider', async () => {
  const call = await send(`${gateway.origin}/api/whoami`);
  assert.deepEqual([call.status, call.headers.location], [401, undefined]);
  assert.deepEqual(await openSocketWith(`${gateway.origin}/ws`, {}), { kind: 'refused', status: 401 });
});

test('signing out here ends the session, and leads on to the provider and back', async () => {
  const { browser } = await signedIn('alice');
  const cookie = cookieOf(browser);
  const answer = await signOutHere(browser);
  assert.equal(answer.status, 200);
  assert.equal(await whoami(cookie), '401', 'already before the provider is asked');
  const [, url = ''] = /^0; url=(.*)$/.exec(String(answer.headers['refresh'])) ?? [];
  assert.ok(url.startsWith(`${corp.issuer}/`), url);
  assert.equal(new URL(url).searchParams.get('post_logout_redirect_uri'), `${gateway.origin}/auth/logout`);
  assert.ok(new URL(url).searchParams.has('id_token_hint'));
  assert.ok(
    answer.body.includes(`<a href="${url.replaceAll('&', '&amp;')}">`),
    'the same as a link, for those who do not want to be sent on',
  );
  const back = await signOutThere(browser, url);
  assert.deepEqual([back.url.split('?')[0], back.status], [`${gateway.origin}/auth/logout`, 200]);
  assert.match(back.body, /signed out/i);
  const next = await browser.visit(`${gateway.origin}/api/whoami`);
  assert.match(next.body, /name="prompt"/, 'the provider asks again');
  assert.equal(gateway.audit('sign-out').length, 1);
});

test('the policy of the page lets nobody follow a redirect out of its form, so there is none', async () => {
  const { browser } = await signedIn('alice');
  const answer = await signOutHere(browser);
  assert.equal(answer.headers.location, undefined);
  assert.match(String(answer.headers['content-security-policy']), /form-action 'self'/);
});

test('signing out at the provider ends the session here, and only that of this browser', async () => {
  const [first, second] = [await signedIn('alice'), await signedIn('alice')];
  const [one, two] = [cookieOf(first.browser), cookieOf(second.browser)];
  assert.deepEqual([await whoami(one), await whoami(two)], ['CORP\\alice', 'CORP\\alice']);
  await signOutThere(first.browser, `${corp.issuer}/session/end`);
  await until(async () => (await whoami(one)) === '401', 'the session to end');
  assert.equal(await whoami(two), 'CORP\\alice');
  assert.equal(gateway.audit('provider-logout').length >= 1, true);
});

test('a group that was taken away is noticed within the time that is configured', async () => {
  const { browser } = await signedIn('alice');
  const report = async (): Promise<number> =>
    (await send(`${gateway.origin}/reports/`, { headers: { Cookie: cookieOf(browser) } })).status;
  assert.equal(await report(), 200);
  const alice = corp.accounts.get('alice');
  assert.ok(alice);
  alice.groups = ['team-ai'];
  assert.equal(await report(), 200);
  later = 130_000;
  assert.equal(await report(), 403);
  alice.groups = ['team-ai', 'traders'];
});

test('a person who was removed at the provider is out within the time that is configured', async () => {
  const { browser } = await signedIn('bob');
  const cookie = cookieOf(browser);
  const bob = corp.accounts.get('bob');
  assert.ok(bob);
  bob.disabled = true;
  assert.equal(await whoami(cookie), 'CORP\\bob');
  later = 130_000;
  assert.equal(await whoami(cookie), '401');
  bob.disabled = false;
  assert.equal(await whoami(cookie), '401', 'and stays out with this cookie');
});

test('administrators see the session with its provider, and can end it', async () => {
  const { browser } = await signedIn('alice');
  const cookie = cookieOf(browser);
  const [newest] = await listed(gateway.folder, '--user', 'CORP\\alice');
  assert.equal(newest?.method, 'oidc');
  await cardeaSessions(gateway.folder, 'revoke', '--user', 'CORP\\alice');
  await until(async () => (await whoami(cookie)) === '401', 'the session to end');
  const again = await browser.visit(`${gateway.origin}/api/whoami`);
  assert.equal(userIn(again), 'CORP\\alice', 'the provider still knows this browser');
});

test('keys of the provider that change in the middle of everything change nothing for people', async () => {
  const { browser } = await signedIn('alice');
  await corp.rotateKeys();
  assert.equal(await whoami(cookieOf(browser)), 'CORP\\alice');
  later = 20_000; // beyond the time for which nobody asks again for keys
  assert.equal((await signedIn('bob')).page.status, 200);
});

test('an answer of the provider that somebody else has begun is refused, calmly', async () => {
  const { status, body } = await send(`${gateway.origin}/auth/callback/corp?code=x&state=${'y'.repeat(43)}`, {
    headers: asBrowser,
  });
  assert.equal(status, 403);
  assert.match(body, /Sign in again/);
  assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'transaction-missing');
});

test('a provider that is down keeps nobody from signing out here', async () => {
  const { browser } = await signedIn('bob');
  const cookie = cookieOf(browser);
  await corp.close();
  assert.equal((await signOutHere(browser)).status, 200);
  assert.equal(await whoami(cookie), '401');
});

test('neither secret, cookies nor tokens of the provider can be read anywhere', async () => {
  assert.match(gateway.received(), /CORP\\alice/);
  // Tokens begin like this; those that go to the app are our own, and name us as their issuer.
  assert.doesNotMatch(gateway.written(), /eyJ|code=|state=/);
  assert.deepEqual(await gateway.leaks([secret, ...cookies.filter((cookie) => cookie !== '')]), []);
});
