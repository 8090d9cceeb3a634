/**
 * Requests that another site's page would like a signed-in browser to make. Every cookie here goes along with them
 * (`same_site: none`), and one hostile page lies within the same domain: nothing but the gateway itself is in the way.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { after, before, beforeEach, suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { type Browser, startChromium } from '../../lab/chromium.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { startTestGateway, type TestGateway, until, usersFile } from '../../packages/gateway/test/harness.ts';
import { freePort } from '../../lab/ports.ts';
import { certificate } from './gateway.ts';

suite('requests that pages of other sites cause, in a real Chromium that is signed in', {
  skip: reasonToSkip(),
}, () => {
  let gateway: TestGateway;
  let server: Server;
  let browser: Browser;
  let page: Page;
  let site: string;
  /** Within the same domain, so that the browser takes the two for one site. */
  let neighbour: string;
  /** As the neighbour, and the app allows its pages to send requests. */
  let friend: string;
  let stranger: string;
  /** Where the strangers' server sends a form on to. */
  let sendOnTo = '';

  before(async () => {
    const port = await freePort();
    neighbour = `https://neighbour.corp.example:${port}`;
    friend = `https://friend.corp.example:${port}`;
    stranger = `https://www.evil.example:${port}`;
    const tls = await certificate();
    server = createServer({ cert: tls['tls.pem'], key: tls['tls.key'] }, (request, response) => {
      if (request.url === '/send-on') response.writeHead(307, { Location: sendOnTo }).end();
      else
        response
          .writeHead(200, { 'Content-Type': 'text/html' })
          .end('<!doctype html><link rel="icon" href="data:,"><title>A page</title>');
    });
    await once(server.listen(port, '127.0.0.1'), 'listening');
    gateway = await startTestGateway({
      listen: '{ address: "127.0.0.1:0", tls: { cert: tls.pem, key: tls.key } }',
      files: { 'users.yaml': await usersFile({ alice: [], mallory: [] }), ...tls },
      config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
session: { cookie: { same_site: none } }
apps:
  - name: desk
    host: desk.corp.example
    upstream: ${upstream}
    csrf: true
    allowed_origins: ["${friend}"]
    rules: [{ path: /**, signed_in: true }]
`,
    });
    site = `https://desk.corp.example:${new URL(gateway.origin).port}`;
    browser = await startChromium({ otherHosts: ['*.evil.example'] });
    page = await browser.context.newPage();
  });
  after(async () => {
    await browser?.close();
    await gateway?.close();
    server?.closeAllConnections();
    server?.close();
  });
  beforeEach(async () => {
    await browser.context.clearCookies();
    await signIn('alice');
  });

  async function signIn(name: string): Promise<void> {
    await page.goto(`${site}/auth/login`);
    await page.getByLabel('User name').fill(name);
    await page.getByLabel('Password').fill(`${name}-password`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${site}/`);
  }
  async function signOut(): Promise<void> {
    await page.goto(`${site}/auth/logout`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Signed out' }).waitFor();
  }
  /** Who the site takes this browser for. */
  async function whoami(): Promise<unknown> {
    await page.goto(`${site}/app.css`);
    return page.evaluate("fetch('/api/whoami').then((r) => (r.ok ? r.json() : {})).then(({ user }) => user)");
  }
  const token = async (): Promise<string> =>
    (await browser.context.cookies()).find(({ name }) => name === '__Host-cardea-csrf')?.value ?? '';
  /** What a script on the page at hand gets for a POST with these fields. */
  const post = (path: string, headers: Readonly<Record<string, string>>): Promise<number> =>
    page.evaluate(
      ([url, fields]) => fetch(url, { method: 'POST', headers: fields, body: 'x' }).then(({ status }) => status),
      [`${site}${path}`, headers] as const,
    );
  const lastRefusal = () => gateway.audit('refused').at(-1);
  const refusals = (): number => gateway.audit('refused').length;

  /** Posts a form from a page of this origin, as a click does, and gives what the person then reads. */
  async function postForm(
    origin: string,
    action: string,
    values: Readonly<Record<string, string>> = {},
    attributes = '',
  ): Promise<string> {
    await page.goto(`${origin}/`);
    const inputs = Object.entries(values).map(([name, value]) => `<input name="${name}" value="${value}">`);
    await page.setContent(
      `<form method="post" action="${action}" ${attributes}>${inputs.join('')}<button>Win a prize</button></form>`,
    );
    await Promise.all([page.waitForEvent('load'), page.getByRole('button').click()]);
    return page.locator('main').innerText();
  }

  test("the app's own page sends the token that it finds in the cookie, or in /auth/me", async () => {
    assert.equal(await post('/upload', { 'X-CSRF-Token': await token() }), 200);
    const me = await page.evaluate<string>("fetch('/auth/me').then((r) => r.json()).then((me) => me.csrf_token)");
    assert.equal(await post('/upload', { 'X-CSRF-Token': me }), 200);
  });

  test("the app's own page changes nothing without the token, or with another one", async () => {
    const right = await token();
    const altered = right.slice(0, -2) + (right.at(-2) === 'A' ? 'B' : 'A') + right.slice(-1);
    for (const wrong of ['', 'x', altered, `${right},${right}`]) {
      assert.equal(await post('/upload', { 'X-CSRF-Token': wrong }), 403, wrong);
      assert.equal(lastRefusal()?.['reason'], 'csrf');
    }
    assert.equal(await post('/upload', {}), 403);
  });

  test('reading takes no token', async () => {
    assert.equal(await whoami(), 'CORP\\alice');
  });

  const origins = [
    ['another site', () => stranger],
    ['a neighbour in the same domain', () => neighbour],
  ] as const;
  for (const [who, origin] of origins) {
    test(`a form of ${who} changes nothing, and the person reads why`, async () => {
      const before = refusals();
      assert.match(await postForm(origin(), `${site}/upload`), /another site/);
      assert.equal(refusals(), before + 1);
      assert.equal(lastRefusal()?.['path'], '/upload');
    });

    test(`a form of ${who} with the right token in it changes nothing either`, async () => {
      const right = await token();
      assert.match(await postForm(origin(), `${site}/upload?x-csrf-token=${right}`, { csrf: right }), /another site/);
    });

    test(`a script of ${who} changes nothing`, async () => {
      await page.goto(`${origin()}/`);
      const before = refusals();
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
        await page.evaluate(
          ([url, contentType]) =>
            fetch(url, {
              method: 'POST',
              mode: 'no-cors',
              credentials: 'include',
              headers: { 'Content-Type': contentType },
              body: 'x',
            }).catch(() => undefined),
          [`${site}/upload`, type] as const,
        );
      await page.evaluate(`navigator.sendBeacon('${site}/upload', 'x')`);
      await until(() => refusals() >= before + 4, 'four refusals');
      assert.ok(
        gateway
          .audit('refused')
          .slice(before)
          .every(({ path }) => path === '/upload'),
      );
    });

    test(`a form of ${who} does not sign the person out`, async () => {
      assert.match(await postForm(origin(), `${site}/auth/logout`), /another site/);
      assert.equal(await whoami(), 'CORP\\alice');
    });

    test(`a form of ${who} does not sign the person in as somebody else`, async () => {
      const values = { name: 'mallory', password: 'mallory-password', return: '/' };
      assert.match(await postForm(origin(), `${site}/auth/login`, values), /another site/);
      assert.equal(await whoami(), 'CORP\\alice');
    });

    test(`a form of ${who} that its own server sends on changes nothing`, async () => {
      sendOnTo = `${site}/upload`;
      assert.match(await postForm(origin(), `${origin()}/send-on`), /another site/);
    });

    test(`a form of ${who} that hides where it comes from changes nothing`, async () => {
      await page.goto(`${origin()}/`);
      const frame = `<iframe sandbox="allow-forms allow-scripts allow-top-navigation" referrerpolicy="no-referrer"
        srcdoc='<form target="_top" method="post" action="${site}/upload"></form><script>document.forms[0].submit()</script>'></iframe>`;
      await Promise.all([page.waitForURL(`${site}/upload`), page.setContent(frame, { waitUntil: 'commit' })]);
      assert.match(await page.locator('main').innerText(), /another site/);
      assert.equal(lastRefusal()?.['reason'], 'origin-opaque');
    });

    test(`a page of ${who} cannot put ours into a frame, to have a click fall on it`, async () => {
      await page.goto(`${origin()}/`);
      const refused = page.waitForEvent('console', (message) => /frame/i.test(message.text()));
      await page.setContent(`<iframe src="${site}/auth/logout"></iframe>`);
      await refused;
      const inside = page.frames().find((frame) => frame.parentFrame() !== null);
      assert.equal(await inside?.locator('button').count(), 0);
    });
  }

  test('a page that the app allows by its Origin does not get by without the token', async () => {
    assert.match(await postForm(friend, `${site}/upload`), /Nothing was changed/);
    assert.equal(lastRefusal()?.['reason'], 'csrf');
  });

  test('a page that the app allows cannot send the token as a field, since no app of ours lets it', async () => {
    const right = await token();
    await page.goto(`${friend}/`);
    const answer = page.evaluate(
      ([url, value]) => fetch(url, { method: 'POST', credentials: 'include', headers: { 'X-CSRF-Token': value } }),
      [`${site}/upload`, right] as const,
    );
    await assert.rejects(answer, /Failed to fetch/);
  });

  test('a neighbour cannot plant our cookies: the browser refuses the name, and another name is not ours', async () => {
    const [mine, session] = [await token(), (await browser.context.cookies()).length];
    await page.goto(`${neighbour}/`);
    for (const name of ['__Host-cardea-csrf', '__Host-cardea', 'cardea-csrf', 'cardea'])
      for (const path of ['/', '/upload'])
        await page.evaluate(`document.cookie = '${name}=planted; Domain=corp.example; Path=${path}; Secure'`);
    const planted = (await browser.context.cookies()).filter(({ value }) => value === 'planted');
    assert.deepEqual(
      planted.map(({ name }) => name).filter((name) => name.startsWith('__Host-')),
      [],
    );
    // The others are there, or this test would prove nothing.
    assert.ok(planted.length > 0 && session > 0);
    assert.equal(await whoami(), 'CORP\\alice');
    assert.equal(await post('/upload', { 'X-CSRF-Token': 'planted' }), 403);
    assert.equal(await post('/upload', { 'X-CSRF-Token': mine }), 200);
  });

  test("somebody else's token is worth nothing with this person's session", async () => {
    await browser.context.clearCookies();
    await signIn('mallory');
    const theirs = await token();
    await browser.context.clearCookies();
    await signIn('alice');
    assert.equal(await post('/upload', { 'X-CSRF-Token': theirs }), 403);
    // Also when it is planted where the page would look for it.
    await page.evaluate(`document.cookie = '__Host-cardea-csrf=${theirs}; Path=/; Secure'`);
    assert.equal(await post('/upload', { 'X-CSRF-Token': await token() }), 403);
  });

  test('a token from before signing out is worth nothing afterwards', async () => {
    const old = await token();
    await signOut();
    assert.equal(await token(), '');
    await signIn('alice');
    assert.equal(await post('/upload', { 'X-CSRF-Token': old }), 403);
    assert.equal(await post('/upload', { 'X-CSRF-Token': await token() }), 200);
  });

  test('a form that was open while the person signed out and in again is not carried out, and the person can sign out anew', async () => {
    const other = await browser.context.newPage();
    await other.goto(`${site}/auth/logout`);
    await signOut();
    await signIn('alice');
    await other.getByRole('button', { name: 'Sign out' }).click();
    await other.getByText('Nothing was changed').waitFor();
    await other.close();
    assert.equal(await whoami(), 'CORP\\alice');
    await signOut();
    assert.match((await page.goto(`${site}/`))?.url() ?? '', /\/auth\/login/);
  });
});
