import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, before, suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { asPerson } from '../../lab/browse.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { freePort } from '../../lab/ports.ts';
import { type LabGateway, startLabGateway } from './gateway.ts';

suite("pages of other origins, in a real Chromium that would sign on to anything of the domain's", {
  skip: reasonToSkip(),
}, () => {
  let gateway: LabGateway;
  let server: Server;
  let portal: string;
  let stranger: string;

  before(async () => {
    await startLab();
    const port = await freePort();
    portal = `http://portal.corp.example:${port}`;
    stranger = `http://stranger.corp.example:${port}`;
    server = createServer((_, response) => {
      response
        .writeHead(200, { 'Content-Type': 'text/html' })
        .end('<!doctype html><link rel="icon" href="data:,"><title>A page</title>');
    });
    await once(server.listen(port, '127.0.0.1'), 'listening');
    gateway = await startLabGateway({ allowedOrigins: [portal] });
  });
  after(async () => {
    await gateway?.close();
    server?.closeAllConnections();
    server?.close();
  });

  /** What a page of this origin gets as the first request that its browser ever sends to the gateway. */
  const firstRequest = <T>(origin: string, request: (page: Page) => Promise<T>): Promise<T> =>
    asPerson('alice', async (page) => {
      await page.goto(`${origin}/`);
      return request(page);
    });
  const socket = (page: Page): Promise<string | number> =>
    page.evaluate(
      (address) =>
        new Promise<string | number>((resolve) => {
          const opened = new WebSocket(address);
          opened.addEventListener('close', ({ code }) => resolve(code));
          opened.addEventListener('message', ({ data }) => resolve(JSON.parse(data).visitor.user));
        }),
      gateway.url('/ws').replace('http', 'ws'),
    );
  const refusals = () => gateway.audit('refused').map(({ reason, path }) => ({ reason, path }));

  test("a browser's very first request may be the WebSocket, from an allowed origin: it signs on, and its session is kept", async () => {
    const { user, again, cookies } = await firstRequest(portal, async (page) => ({
      user: await socket(page),
      again: await socket(page),
      cookies: (await page.context().cookies()).length,
    }));
    // The session's, and the one that its page reads for the token against forged requests.
    assert.deepEqual({ user, again, cookies }, { user: 'CORP\\alice', again: 'CORP\\alice', cookies: 2 });
    assert.equal(gateway.audit('sign-in').length, 1);
    assert.equal(gateway.audit('websocket-opened').at(-1)?.['account'], 'CORP\\alice');
  });

  test('a WebSocket from an origin that is not allowed does not open, though the browser would have signed on', async () => {
    const signIns = gateway.audit('sign-in').length;
    assert.equal(await firstRequest(stranger, socket), 1006);
    assert.deepEqual(refusals().at(-1), { reason: 'origin-not-allowed', path: '/ws' });
    assert.equal(gateway.audit('sign-in').length, signIns);
  });

  test('a WebSocket from a page without an origin does not open', async () => {
    assert.equal(await asPerson('alice', (page) => socket(page)), 1006);
    assert.deepEqual(refusals().at(-1), { reason: 'origin-opaque', path: '/ws' });
  });

  test('a POST from an origin that is not allowed changes nothing and signs nobody on', async () => {
    const signIns = gateway.audit('sign-in').length;
    await firstRequest(stranger, (page) =>
      page.evaluate(
        (url) => fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x' }).then(() => true),
        gateway.url('/upload'),
      ),
    );
    assert.deepEqual(refusals().at(-1), { reason: 'origin-not-allowed', path: '/upload' });
    assert.equal(gateway.audit('sign-in').length, signIns);
  });

  test('a form that another origin posts gets a page that says why it was not carried out', async () => {
    const text = await firstRequest(stranger, async (page) => {
      await page.setContent(`<form method="post" action="${gateway.url('/upload')}"><button>Send</button></form>`);
      await page.getByRole('button').click();
      await page.waitForURL(gateway.url('/upload'));
      return page.locator('body').innerText();
    });
    assert.match(text, /another site/);
  });
});
