import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { asPerson, transports, visit } from '../../lab/browse.ts';
import { type Browser, startChromium } from '../../lab/chromium.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { kinit } from '../../lab/tokens.ts';
import { type LabGateway, startLabGateway } from './gateway.ts';

suite('a real Chromium with a ticket, without a prompt', { skip: reasonToSkip() }, () => {
  let gateway: LabGateway;
  let browser: Browser;
  let page: Page;

  before(async () => {
    await startLab();
    gateway = await startLabGateway();
    browser = await startChromium({ ccache: await kinit('alice') });
    page = await browser.context.newPage();
    await visit(page, gateway.url('/'));
  });
  after(async () => {
    await browser?.close();
    await gateway?.close();
  });
  // Each test's first request is one without a session.
  beforeEach(() => browser.context.clearCookies());

  test('the app sees CORP\\alice and her groups on page, fetch(), event stream and WebSocket, for one sign-in', async () => {
    const signIns = gateway.audit('sign-in').length;
    const { status, cards } = await visit(page, gateway.url('/'));
    assert.equal(status, 200);
    for (const from of transports)
      assert.deepEqual(cards?.[from], {
        user: 'CORP\\alice',
        UPN: 'alice@corp.example',
        name: 'Alice Smith',
        groups: 'Domain Users, team-ai, dep1, max_group, loc1, uni1',
        roles: 'analyst',
      });
    assert.equal(gateway.audit('sign-in').length, signIns + 1);
  });

  test('fetch() signs on by itself, and once more after the session cookie was deleted', async () => {
    const who = () => page.evaluate<string>(`${whoami}.then((visitor) => visitor.user)`);
    const signIns = gateway.audit('sign-in').length;
    assert.equal(await who(), 'CORP\\alice');
    assert.equal(await who(), 'CORP\\alice');
    assert.equal(gateway.audit('sign-in').length, signIns + 1);
    await browser.context.clearCookies();
    assert.equal(await who(), 'CORP\\alice');
    assert.equal(gateway.audit('sign-in').length, signIns + 2);
  });

  test('a POST signs on by itself and keeps its body', async () => {
    const { status, bytes } = await upload(page, 'POST', 4);
    assert.deepEqual({ status, bytes }, { status: 200, bytes: 4 });
  });

  test('a PUT of 3 MB signs on by itself and arrives whole', async () => {
    const { status, bytes } = await upload(page, 'PUT', 3_000_000);
    assert.deepEqual({ status, bytes }, { status: 200, bytes: 3_000_000 });
  });

  test('an event stream signs on by itself, and its events are not held back', async () => {
    const seen: readonly [string, string] = await page.evaluate(`new Promise((resolve, reject) => {
      const events = new EventSource('/events');
      let user;
      events.onerror = reject;
      events.addEventListener('visitor', (event) => (user = JSON.parse(event.data).user));
      events.addEventListener('time', (event) => { events.close(); resolve([user, event.data]); });
    })`);
    assert.equal(seen[0], 'CORP\\alice');
    assert.ok(Math.abs(Date.parse(seen[1]) - Date.now()) < 5_000);
  });

  test('a WebSocket signs on by itself, on the upgrade, and leaves a session behind', async () => {
    const signIns = gateway.audit('sign-in').length;
    assert.equal(await userOverSocket(page, gateway.url('/ws')), 'CORP\\alice');
    assert.equal(gateway.audit('sign-in').length, signIns + 1);
    assert.deepEqual(
      (await browser.context.cookies()).map(({ name, httpOnly }) => [name, httpOnly]),
      [
        ['cardea', true],
        ['cardea-csrf', false],
      ],
    );
  });

  test('ten fetches at once all sign on', async () => {
    const all = `Promise.all(Array.from({ length: 10 }, () => ${whoami}.then((visitor) => visitor.user)))`;
    const users = await page.evaluate<readonly string[]>(all);
    assert.deepEqual(
      users,
      Array.from({ length: 10 }, () => 'CORP\\alice'),
    );
  });

  test('identity headers that a script on the page forges do not arrive', async () => {
    const fields = await page.evaluate(async () => {
      const headers = {
        'X-Authenticated-User': 'CORP\\root',
        X_Authenticated_User: 'CORP\\root',
        'X-Cardea-Assertion': 'root',
      };
      return (await fetch('/headers', { headers })).text();
    });
    assert.match(fields, /CORP\\\\alice/);
    assert.doesNotMatch(fields, /root/);
  });

  test('fetch() without credentials stays anonymous: 401, and no sign-in', async () => {
    const signIns = gateway.audit('sign-in').length;
    const status = await page.evaluate(async () => (await fetch('/api/whoami', { credentials: 'omit' })).status);
    assert.equal(status, 401);
    assert.equal(gateway.audit('sign-in').length, signIns);
  });

  test('a person whose name is not ASCII is shown as such on every transport', async () => {
    const { cards } = await asPerson('carol', (own) => visit(own, gateway.url('/')));
    for (const from of transports) assert.equal(cards?.[from]['name'], 'Кэрол Łukasińska-陳');
  });

  test('a person in 400 groups sees them counted on every transport', async () => {
    const { cards } = await asPerson('biguser', (own) => visit(own, gateway.url('/')));
    for (const from of transports) assert.equal(cards?.[from]['groups'], '401 groups');
  });

  test('it works over TLS as well, on every transport', async () => {
    const secure = await startLabGateway({ tls: true });
    try {
      const { cards } = await asPerson('alice', (own) => visit(own, secure.url('/')));
      for (const from of transports) assert.equal(cards?.[from]['user'], 'CORP\\alice');
      assert.equal(secure.audit('sign-in').length, 1);
    } finally {
      await secure.close();
    }
  });
});

/** A script: what the app tells about its visitor. */
const whoami = "fetch('/api/whoami').then((response) => response.json())";

/** Sends so many bytes from a script on the page; `bytes` is what the app has received. */
function upload(page: Page, method: string, bytes: number): Promise<{ status: number; bytes: number }> {
  return page.evaluate<{ status: number; bytes: number }>(
    `fetch('/upload', { method: '${method}', body: new Uint8Array(${bytes}) })
      .then((response) => response.json().then(({ bytes }) => ({ status: response.status, bytes })))`,
  );
}

/** Who the app sees at the other end of a WebSocket that this page opens; the close code when it does not open. */
function userOverSocket(page: Page, url: string): Promise<string | number> {
  return page.evaluate(
    (address) =>
      new Promise<string | number>((resolve) => {
        const socket = new WebSocket(address);
        socket.addEventListener('close', ({ code }) => resolve(code));
        socket.addEventListener('message', ({ data }) => {
          resolve(JSON.parse(data).visitor.user);
          socket.close();
        });
      }),
    url.replace('http', 'ws'),
  );
}
