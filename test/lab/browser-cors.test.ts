/** What pages of other sites may read and send (`cors`), as a real Chromium understands what the gateway says to it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { after, before, suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { type Browser, startChromium } from '../../lab/chromium.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { makeKey } from '../../packages/gateway/test/credentials.ts';
import { startTestGateway, type TestGateway, usersFile } from '../../packages/gateway/test/harness.ts';
import { freePort } from '../../lab/ports.ts';
import { certificate } from './gateway.ts';

suite('CORS at the edge, in a real Chromium', { skip: reasonToSkip() }, () => {
  let gateway: TestGateway;
  let server: Server;
  let browser: Browser;
  let page: Page;
  let key: string;
  let port: number;
  /** May act with the sign-in. */
  let portal: string;
  /** May read without it. */
  let viewer: string;
  let stranger: string;

  before(async () => {
    const ownPort = await freePort();
    portal = `https://portal.corp.example:${ownPort}`;
    viewer = `https://viewer.evil.example:${ownPort}`;
    stranger = `https://www.evil.example:${ownPort}`;
    const tls = await certificate();
    server = createServer({ cert: tls['tls.pem'], key: tls['tls.key'] }, (_, response) => {
      response
        .writeHead(200, { 'Content-Type': 'text/html' })
        .end('<!doctype html><link rel="icon" href="data:,"><title>A page</title>');
    });
    await once(server.listen(ownPort, '127.0.0.1'), 'listening');
    gateway = await startTestGateway({
      listen: '{ address: "127.0.0.1:0", tls: { cert: tls.pem, key: tls.key } }',
      files: { 'users.yaml': await usersFile({ alice: [] }), ...tls },
      // Every cookie goes along, so that nothing but what the gateway says keeps a page from anything.
      config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }, { api_key: {} }]
session: { cookie: { same_site: none } }
apps:
  - name: desk
    host: desk.corp.example
    upstream: ${upstream}
    cors: { origins: ["${portal}"], methods: [GET, POST, PUT], headers: [X-Extra], expose: [X-Sample], credentials: true }
    response_headers: { security: missing, set: { X-Sample: seen, X-Hidden: unseen } }
    rules: [{ path: /, public: true }, { path: /**, signed_in: true }]
  - name: api
    host: aes128.corp.example
    upstream: ${upstream}
    cors: { origins: ["${viewer}"], headers: [X-API-Key] }
    rules: [{ path: /**, signed_in: true }]
  - name: silent
    host: other.corp.example
    upstream: ${upstream}
    rules: [{ path: /, public: true }, { path: /**, signed_in: true }]
`,
    });
    port = Number(new URL(gateway.origin).port);
    key = await makeKey(gateway.folder, 'viewer');
    browser = await startChromium({ otherHosts: ['*.evil.example'] });
    page = await browser.context.newPage();
    for (const host of ['desk', 'aes128', 'other']) {
      await page.goto(`${at(host)}/auth/login`);
      await page.getByLabel('User name').fill('alice');
      await page.getByLabel('Password').fill('alice-password');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL(`${at(host)}/`);
    }
  });
  after(async () => {
    await browser?.close();
    await gateway?.close();
    server?.closeAllConnections();
    server?.close();
  });

  const at = (host: string): string => `https://${host}.corp.example:${port}`;

  interface Seen {
    readonly status: number;
    readonly user: unknown;
    readonly sample: string | null;
    readonly hidden: string | null;
  }

  interface Asked {
    readonly method?: string;
    readonly mode?: 'no-cors';
    readonly credentials: 'include' | 'omit';
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  }

  /** What a page of this origin gets for a request; `blocked` when the browser keeps the answer from it. */
  async function from(origin: string, url: string, options: Asked): Promise<Seen | 'blocked'> {
    await page.goto(`${origin}/`);
    return page.evaluate(
      async ([target, how]): Promise<Seen | 'blocked'> => {
        try {
          const response = await fetch(target, how);
          const found: unknown = response.ok ? await response.json() : {};
          const user: unknown = typeof found === 'object' && found !== null && 'user' in found ? found.user : null;
          const { status, headers } = response;
          return { status, user, sample: headers.get('X-Sample'), hidden: headers.get('X-Hidden') };
        } catch {
          return 'blocked';
        }
      },
      [url, options] as const,
    );
  }
  const whoami = (host: string): string => `${at(host)}/api/whoami`;
  const withSignIn = { credentials: 'include' } as const;

  test('a page of an allowed site reads with the sign-in of its person, and the headers that are exposed', async () => {
    assert.deepEqual(await from(portal, whoami('desk'), withSignIn), {
      status: 200,
      user: 'CORP\\alice',
      sample: 'seen',
      hidden: null,
    });
  });

  test('it sends what takes a preflight, as far as methods and headers are allowed', async () => {
    const send = (method: string, headers: Record<string, string> = {}) =>
      from(portal, whoami('desk'), { ...withSignIn, method, headers });
    const seen = { user: 'CORP\\alice', status: 200 };
    for (const [method, headers] of [
      ['PUT', {}],
      ['POST', { 'Content-Type': 'text/plain', 'X-Extra': '1' }],
    ] as const) {
      const answer = await send(method, headers);
      assert.deepEqual(answer === 'blocked' ? answer : { user: answer.user, status: answer.status }, seen, method);
    }
    assert.equal(await send('DELETE'), 'blocked');
    assert.equal(await send('GET', { 'X-Other': '1' }), 'blocked');
  });

  test('it learns that nobody is signed in, and can say so', async () => {
    const answer = await from(portal, whoami('desk'), { credentials: 'omit' });
    assert.equal(answer === 'blocked' ? answer : answer.status, 401);
  });

  test('a page of another site reads nothing and sends nothing', async () => {
    const refusals = gateway.audit('refused').length;
    for (const options of [
      withSignIn,
      { credentials: 'omit' },
      { ...withSignIn, method: 'POST', body: 'x' },
      { ...withSignIn, method: 'PUT' },
    ] as const)
      assert.equal(await from(stranger, whoami('desk'), options), 'blocked');
    assert.deepEqual(
      gateway
        .audit('refused')
        .slice(refusals)
        .map(({ reason }) => reason),
      ['origin-not-allowed', 'cors-origin'],
    );
  });

  test('a site that is allowed without credentials reads and sends what its page itself shows', async () => {
    const shown = { headers: { 'X-API-Key': key }, credentials: 'omit' } as const;
    for (const method of ['GET', 'POST']) {
      const answer = await from(viewer, whoami('aes128'), { ...shown, method });
      assert.equal(answer === 'blocked' ? answer : answer.user, 'key:viewer', method);
    }
  });

  test('and nothing with the sign-in of its person, whatever its page asks for', async () => {
    for (const method of ['GET', 'POST'])
      assert.equal(await from(viewer, whoami('aes128'), { ...withSignIn, method }), 'blocked');
    // What the browser hides has not been done in her name either.
    const answer = await from(viewer, whoami('aes128'), { mode: 'no-cors', credentials: 'include', method: 'POST' });
    assert.equal(answer === 'blocked' ? answer : answer.status, 0);
  });

  test('an app without the key is read by its own pages alone', async () => {
    assert.equal(await from(portal, whoami('other'), withSignIn), 'blocked');
  });

  test('no page of another site reads our own endpoints, not even one that may act with the sign-in', async () => {
    assert.equal(await from(portal, `${at('desk')}/auth/me`, withSignIn), 'blocked');
  });

  test('security headers arrive, and what the app does still works under them', async () => {
    const response = await page.goto(`${at('desk')}/`);
    const headers = response?.headers() ?? {};
    assert.equal(headers['strict-transport-security'], 'max-age=31536000');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    await page.locator('html[data-fetch][data-events][data-socket]').waitFor();
  });

  test('with them no other site shows the app in a frame; without them it does', async () => {
    await page.goto(`${stranger}/`);
    const said = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
    await page.setContent(`<iframe src="${at('desk')}/"></iframe>`);
    assert.match((await said).text(), /frame-ancestors 'self'/);
    await page.setContent(`<iframe src="${at('other')}/"></iframe>`);
    await page.frameLocator('iframe').locator('#cards').waitFor();
  });
});
