/**
 * Keycloak as the provider, and another provider beside it: what its tokens, its pages, its logouts and its keys are like, which no
 * provider of our own tells.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, suite, test } from 'node:test';
import { startChromium } from '../../lab/chromium.ts';
import { type Keycloak, type KeycloakThing, startKeycloak } from '../../lab/keycloak-server.ts';
import { reasonToSkipKeycloak } from '../../lab/keycloak.ts';
import { freePort } from '../../lab/ports.ts';
import { startWatched, userIn, type WatchedGateway } from '../../packages/gateway/test/credentials.ts';
import { send, until } from '../../packages/gateway/test/harness.ts';
import { type Page, TestBrowser } from '../../packages/gateway/test/oidc-harness.ts';
import { startOidcProvider, type TestProvider } from '../../packages/gateway/test/oidc-provider.ts';

const secret = 'of-the-tests-alone-0123456789abcdef';
const noChromium = existsSync('/usr/bin/chromium') ? false : 'Chromium is not installed: npm run lab:install';

let keycloak: Keycloak;
let partner: TestProvider;
let gateway: WatchedGateway;
let later = 0;

const first = <T>([one]: readonly T[], what: string): T => {
  assert.ok(one !== undefined, what);
  return one;
};
const idOfUser = async (name: string): Promise<string> =>
  first(await keycloak.list(`/corp/users?exact=true&username=${name}`), name).id;
const sessionsThere = async (name: string): Promise<readonly KeycloakThing[]> =>
  keycloak.list(`/corp/users/${await idOfUser(name)}/sessions`);

/** Fills in Keycloak's form, as a page that a browser has got. */
async function signInAtKeycloak(browser: TestBrowser, page: Page, name: string): Promise<Page> {
  const action = /<form[^>]*id="kc-form-login"[^>]*action="([^"]*)"/.exec(page.body)?.[1];
  assert.ok(action, `no form of Keycloak: ${page.status} ${page.url}\n${page.body}`);
  return browser.visit(action.replaceAll('&amp;', '&'), { username: name, password: `${name}-password` });
}
const toKeycloak = (browser: TestBrowser, path = '/api/whoami'): Promise<Page> =>
  browser.visit(`${gateway.origin}/auth/login/corp?return=${encodeURIComponent(path)}`);

/** Signs in with a browser of one's own. */
async function signedIn(
  name: string,
): Promise<{ readonly browser: TestBrowser; readonly page: Page; readonly cookie: string }> {
  const browser = new TestBrowser();
  const page = await signInAtKeycloak(browser, await toKeycloak(browser), name);
  return { browser, page, cookie: cookieOf(browser) };
}
const cookieOf = (browser: TestBrowser): string => `cardea=${browser.cookies('127.0.0.1').get('cardea') ?? ''}`;
const ask = (cookie: string): ReturnType<typeof send> =>
  send(`${gateway.origin}/api/whoami`, { headers: { Cookie: cookie } });
const whoami = async (cookie: string): Promise<string | undefined> => userIn(await ask(cookie));
/** What Keycloak offers for the verification of signatures. */
async function keyIds(): Promise<readonly string[]> {
  const { body } = await send(`${keycloak.origin}/realms/corp/protocol/openid-connect/certs`);
  const { keys }: { keys: readonly { kid: string; use: string }[] } = JSON.parse(body);
  return keys.filter(({ use }) => use === 'sig').map(({ kid }) => kid);
}
const groupsIn = ({ body }: { readonly body: string }): readonly string[] => JSON.parse(body).groups.toSorted();

suite('Keycloak', { skip: reasonToSkipKeycloak() }, () => {
  before(async () => {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    [keycloak, partner] = await Promise.all([
      startKeycloak(),
      startOidcProvider({ host: '127.0.0.2', clientId: 'public', gateway: origin, id: 'partner' }),
    ]);
    const realm = readFileSync(join(import.meta.dirname, 'keycloak-realm.json'), 'utf8');
    await keycloak.admin('POST', '', JSON.parse(realm.replaceAll('GATEWAY', origin).replaceAll('SECRET', secret)));
    gateway = await startWatched({
      now: () => Date.now() + later,
      listen: `{ address: "127.0.0.1:${port}" }`,
      files: { 'client-secret': secret },
      config: (upstream) => `
sign_in:
  - oidc:
      id: corp
      name: Company account
      issuer: ${keycloak.origin}/realms/corp
      client_id: cardea
      client_secret: "\${file:./client-secret}"
      claims: { user: "CORP\\\\{preferred_username}", groups: groups }
      refresh: true
      refresh_every: 1m
  - oidc: { id: partner, name: Partner account, issuer: "${partner.issuer}", client_id: public, claims: { groups: groups } }
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
    await gateway?.close();
    await partner?.close();
    await keycloak?.close();
  });
  beforeEach(() => void (later = 0));

  test('a person signs in there, and the app gets account and groups', async () => {
    const { page } = await signedIn('alice');
    assert.deepEqual([page.url, page.status], [`${gateway.origin}/api/whoami`, 200]);
    assert.equal(userIn(page), 'CORP\\alice');
    assert.deepEqual(groupsIn(page), ['team-ai', 'traders']);
  });

  test('the second sign-in of a browser asks nothing, and a wrong password is its matter', async () => {
    const { browser } = await signedIn('bob');
    browser.setCookie('127.0.0.1', 'cardea', '');
    assert.equal(userIn(await toKeycloak(browser)), 'CORP\\bob');
    const other = new TestBrowser();
    const form = await toKeycloak(other);
    const action = /id="kc-form-login"[^>]*action="([^"]*)"/.exec(form.body)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const answer = await other.visit(action, { username: 'bob', password: 'wrong' });
    assert.ok(answer.url.startsWith(keycloak.origin), answer.url);
  });

  test('groups that change are noticed at the next refresh, also at the one after it, with refresh tokens good once', async () => {
    const { cookie } = await signedIn('alice');
    const membership = `/corp/users/${await idOfUser('alice')}/groups/${first(await keycloak.list('/corp/groups?search=traders'), 'traders').id}`;
    const reports = async (): Promise<number> =>
      (await send(`${gateway.origin}/reports/`, { headers: { Cookie: cookie } })).status;
    assert.equal(await reports(), 200);
    await keycloak.admin('DELETE', membership);
    assert.equal(await reports(), 200, 'not asked yet');
    later = 130_000;
    assert.equal(await reports(), 403);
    assert.deepEqual(groupsIn(await ask(cookie)), ['team-ai']);
    await keycloak.admin('PUT', membership);
    later = 260_000;
    assert.equal(await reports(), 200);
    assert.deepEqual(groupsIn(await ask(cookie)), ['team-ai', 'traders']);
  });

  test('a person who is disabled there is out at the next refresh', async () => {
    const { cookie } = await signedIn('bob');
    const path = `/corp/users/${await idOfUser('bob')}`;
    await keycloak.admin('PUT', path, { enabled: false });
    assert.equal(await whoami(cookie), 'CORP\\bob');
    later = 130_000;
    assert.equal(await whoami(cookie), '401');
    await keycloak.admin('PUT', path, { enabled: true });
  });

  test('signing out here ends the session there, and leads back', async () => {
    for (const { id } of await sessionsThere('alice')) await keycloak.admin('DELETE', `/corp/sessions/${id}`);
    const { browser, cookie } = await signedIn('alice');
    assert.equal((await sessionsThere('alice')).length, 1);
    const asking = await browser.visit(`${gateway.origin}/auth/logout`);
    const csrf = /name="csrf" value="([^"]*)"/.exec(asking.body)?.[1] ?? '';
    const answer = await browser.step(`${gateway.origin}/auth/logout`, { csrf });
    assert.equal(await whoami(cookie), '401');
    const [, url = ''] = /^0; url=(.*)$/.exec(String(answer.headers['refresh'])) ?? [];
    assert.ok(url.startsWith(`${keycloak.origin}/realms/corp/`), url);
    const back = await browser.visit(url);
    assert.deepEqual([back.url.split('?')[0], back.status], [`${gateway.origin}/auth/logout`, 200]);
    assert.match(back.body, /signed out/i);
    assert.deepEqual(await sessionsThere('alice'), []);
    assert.match((await toKeycloak(browser)).body, /id="kc-form-login"/, 'it asks again');
  });

  test('a session that an administrator ends there has ended here within a second, and no other', async () => {
    const [one, other] = [await signedIn('alice'), await signedIn('bob')];
    const before = gateway.audit('provider-logout').length;
    for (const { id } of await sessionsThere('alice')) await keycloak.admin('DELETE', `/corp/sessions/${id}`);
    await until(async () => (await whoami(one.cookie)) === '401', 'the session to end', 1_000);
    assert.equal(await whoami(other.cookie), 'CORP\\bob');
    assert.ok(gateway.audit('provider-logout').length > before);
  });

  test('keys that change in mid-use trouble nobody: not who is in, not the refresh, not who signs in next', async () => {
    const { cookie } = await signedIn('alice');
    const old = await keycloak.list('/corp/components?type=org.keycloak.keys.KeyProvider');
    const kids = await keyIds();
    await keycloak.admin('POST', '/corp/components', {
      name: 'new',
      providerId: 'rsa-generated',
      providerType: 'org.keycloak.keys.KeyProvider',
      parentId: first(old, 'a key')['parentId'],
      config: { priority: ['200'], algorithm: ['RS256'], keySize: ['2048'] },
    });
    for (const { id, ...about } of old)
      if (about['providerId'] === 'rsa-generated') await keycloak.admin('DELETE', `/corp/components/${id}`);
    const now = await keyIds();
    assert.deepEqual([now.length, now.filter((kid) => kids.includes(kid))], [1, []]);
    assert.equal(await whoami(cookie), 'CORP\\alice');
    later = 20_000; // beyond the time for which nobody asks again for keys
    assert.equal(userIn((await signedIn('bob')).page), 'CORP\\bob');
    later = 130_000;
    assert.equal(await whoami(cookie), 'CORP\\alice');
  });

  test('another provider on the same app has people of its own', async () => {
    const browser = new TestBrowser();
    const choice = await browser.visit(`${gateway.origin}/api/whoami`);
    assert.match(choice.body, /Company account[^]*Partner account/);
    const there = await browser.visit(`${gateway.origin}/auth/login/partner?return=/api/whoami`);
    const page = await browser.throughProvider(there, 'alice');
    assert.equal(userIn(page), 'alice');
    const again = await signInAtKeycloak(browser, await toKeycloak(browser), 'alice');
    assert.equal(userIn(again), 'CORP\\alice');
  });

  test('a browser signs in there and out again', { skip: noChromium }, async () => {
    const chromium = await startChromium();
    try {
      const page = await chromium.context.newPage();
      await page.goto(`${gateway.origin}/api/whoami`);
      await page.getByText('Company account').click();
      await page.fill('#username', 'bob');
      await page.fill('#password', 'bob-password');
      await page.click('#kc-login');
      await page.waitForURL(`${gateway.origin}/api/whoami`);
      assert.equal(JSON.parse(await page.innerText('body')).user, 'CORP\\bob');
      await page.goto(`${gateway.origin}/auth/logout`);
      const back = page.waitForRequest((request) => request.url().startsWith(`${keycloak.origin}/realms/corp/`));
      await page.locator('main button').click();
      await back;
      await page.waitForURL(`${gateway.origin}/auth/logout*`);
      await page
        .getByText(/signed out/i)
        .first()
        .waitFor();
      await page.goto(`${gateway.origin}/auth/login/corp?return=/api/whoami`);
      await page.locator('#username').waitFor();
    } finally {
      await chromium.close();
    }
  });
});
