import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, before, suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { asPerson, transports, visit } from '../../lab/browse.ts';
import { paths } from '../../lab/files.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { startTestGateway, type TestGateway, usersFile } from '../../packages/gateway/test/harness.ts';
import { host, type LabGateway, startLabGateway } from './gateway.ts';

suite('the pages that a person meets, in a real Chromium', { skip: reasonToSkip() }, () => {
  let gateway: LabGateway;

  before(async () => {
    await startLab();
    gateway = await startLabGateway();
  });
  after(() => gateway?.close());

  /** What the browser's console complains about, such as a style that our own policy forbids. */
  const complaints = (page: Page): readonly string[] => {
    const found: string[] = [];
    page.on('console', (message) => {
      // Chromium notes every 401 and 403 there.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        found.push(message.text());
    });
    page.on('pageerror', (error) => found.push(error.message));
    return found;
  };
  /** How far the page is wider than a phone. */
  async function overhang(page: Page): Promise<number> {
    await page.setViewportSize({ width: 360, height: 640 });
    return page.evaluate<number>('document.documentElement.scrollWidth - 360');
  }

  test("bob gets the 403 page on the path of alice's group, whole and readable on a phone", async () => {
    await asPerson('bob', async (page) => {
      const errors = complaints(page);
      const { status, title, text } = await visit(page, gateway.url('/reports/'));
      assert.equal(status, 403);
      assert.equal(title, 'No access – app.corp.example');
      assert.match(text, /signed in as CORP\\bob/);
      assert.equal(await overhang(page), 0);
      assert.deepEqual(errors, []);
    });
  });

  test('a person without a ticket gets the form, signs in with a password, and is where they wanted to go', async () => {
    await asPerson('-', async (page) => {
      const errors = complaints(page);
      const { status, text } = await visit(page, gateway.url('/?from=mail'));
      assert.equal(status, 401);
      assert.match(text, /not signed in automatically/);
      assert.equal(await overhang(page), 0);

      await page.getByLabel('User name').fill('paula');
      await page.getByLabel('Password').fill('a guess');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').waitFor();
      assert.equal(await page.getByLabel('User name').inputValue(), 'paula');

      await page.getByLabel('Password').fill('paula-password');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL(gateway.url('/?from=mail'));
      const { cards } = await visit(page, page.url());
      for (const from of transports) assert.equal(cards?.[from]['user'], 'CORP\\paula');
      assert.deepEqual(errors, []);
    });
  });

  const refusals = [
    ['for a service of another machine', 'wrong-service', 'other.corp.example'],
    ['older than the keytab', 'key-version', 'stale.corp.example'],
    ['with RC4', 'rc4-refused', 'rc4.corp.example'],
  ] as const;
  for (const [what, reason, host] of refusals)
    test(`a person whose ticket is refused (${what}) gets the form, not an error of the browser`, async () => {
      const refused = gateway.audit('sign-in-failed').length;
      const { status, text } = await asPerson('alice', (page) => visit(page, gateway.url('/', host)));
      assert.equal(status, 401);
      assert.match(text, /not signed in automatically/);
      assert.deepEqual(
        new Set(
          gateway
            .audit('sign-in-failed')
            .slice(refused)
            .map((event) => event['reason']),
        ),
        new Set([reason]),
      );
    });

  test('a person whose clock is ten minutes off gets the form, not an error of the browser', async () => {
    const ahead = await startLabGateway({ now: () => Date.now() + 600_000 });
    try {
      const { status } = await asPerson('alice', (page) => visit(page, ahead.url('/')));
      assert.equal(status, 401);
      assert.equal(ahead.audit('sign-in-failed').at(-1)?.['reason'], 'clock-skew');
    } finally {
      await ahead.close();
    }
  });

  test('signing out asks first, removes the session, and says that Windows sign-on signs in again', async () => {
    await asPerson('alice', async (page, context) => {
      const errors = complaints(page);
      await visit(page, gateway.url('/'));
      await page.getByRole('link', { name: 'Sign out' }).click();
      assert.match(await page.locator('main').innerText(), /signed in as CORP\\alice/);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'Signed out' }).waitFor();
      assert.match(await page.locator('main').innerText(), /signs you in again/);
      assert.deepEqual(await context.cookies(), []);
      assert.equal(gateway.audit('sign-out').at(-1)?.['account'], 'CORP\\alice');

      await page.getByRole('link', { name: 'Back to the start' }).click();
      await page.getByText('CORP\\alice').first().waitFor();
      assert.deepEqual(errors, []);
    });
  });
});

suite('a person whom Windows cannot sign in, where there are several other ways', { skip: reasonToSkip() }, () => {
  let gateway: TestGateway;
  let site: string;

  before(async () => {
    await startLab();
    gateway = await startTestGateway({
      files: { 'users.yaml': await usersFile({ paula: [] }) },
      // Nobody answers at the providers: what counts here is the way to them, and back.
      config: (upstream) => `
sign_in:
  - negotiate: { keytab: ${paths.keytab} }
  - oidc: { id: entra, name: Company account, issuer: "http://127.0.0.1:1/entra", client_id: cardea }
  - oidc: { id: partners, name: Partner portal, issuer: "http://127.0.0.1:1/partners", client_id: cardea }
  - password: { users: users.yaml }
apps:
  - name: sample
    host: ${host}
    upstream: ${upstream}
    rules: [{ path: /**, signed_in: true }]
`,
    });
    site = `http://${host}:${new URL(gateway.origin).port}`;
  });
  after(() => gateway?.close());

  test('lands on a page with all of them, never on a bare 401 or a prompt', async () => {
    await asPerson('-', async (page) => {
      const { status, title, text } = await visit(page, `${site}/reports/?year=2026`);
      assert.deepEqual([status, title], [401, `Sign in – ${host}`]);
      for (const words of ['sample', 'not signed in automatically', 'Company account', 'Partner portal', 'Password'])
        assert.ok(text.includes(words), words);
      const ways = await page.evaluate<readonly string[]>(
        "[...document.querySelectorAll('a.button')].map((one) => one.href)",
      );
      const back = encodeURIComponent('/reports/?year=2026');
      assert.deepEqual(ways, [`${site}/auth/login/entra?return=${back}`, `${site}/auth/login/partners?return=${back}`]);
    });
  });

  test('finds out what may help, and tries again', async () => {
    await asPerson('-', async (page) => {
      await visit(page, `${site}/`);
      assert.equal(await page.getByText('VPN').isVisible(), false);
      await page.getByText('Windows sign-in did not work?').click();
      assert.equal(await page.getByText('VPN').isVisible(), true);
      const again = page.waitForResponse(`${site}/`);
      await page.getByRole('link', { name: 'Try again' }).click();
      assert.equal((await again).status(), 401);
    });
  });

  test('chooses a provider that is down, reads so, and is led back to it', async () => {
    await asPerson('-', async (page) => {
      await visit(page, `${site}/`);
      await page.getByRole('link', { name: 'Company account' }).click();
      await page.getByRole('heading', { name: 'Signing in is not possible right now' }).waitFor();
      assert.match(await page.locator('main').innerText(), /Company account does not answer/);
      const again = await page.getByRole('link', { name: 'try again' }).getAttribute('href');
      assert.equal(again, '/auth/login/entra?return=%2F');
    });
  });

  test('signs in with the keyboard alone', async () => {
    await asPerson('-', async (page) => {
      await visit(page, `${site}/`);
      const focused = 'document.activeElement.id';
      for (let i = 0; i < 10 && (await page.evaluate(focused)) !== 'name'; i++) await page.keyboard.press('Tab');
      await page.keyboard.type('paula');
      await page.keyboard.press('Tab');
      await page.keyboard.type('paula-password');
      await page.keyboard.press('Enter');
      await page.getByText('CORP\\paula').first().waitFor();
      assert.equal(page.url(), `${site}/`);
    });
  });

  test('signs in by the form also for an app that then leads on to another site', async () => {
    const elsewhere = createServer((_, response) => response.writeHead(200).end('elsewhere'));
    const leading = createServer((request, response) => {
      const there = portOf(elsewhere);
      response.writeHead(302, { Location: `http://other.corp.example:${there}${request.url}` }).end();
    });
    await Promise.all([elsewhere, leading].map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
    const own = await startTestGateway({
      files: { 'users.yaml': await usersFile({ paula: [] }) },
      config: () => `
sign_in: [{ password: { users: users.yaml } }]
apps: [{ name: sample, host: ${host}, upstream: "http://127.0.0.1:${portOf(leading)}", rules: [{ path: /**, signed_in: true }] }]
`,
    });
    try {
      await asPerson('-', async (page) => {
        await page.goto(`http://${host}:${new URL(own.origin).port}/start`);
        await page.getByLabel('User name').fill('paula');
        await page.getByLabel('Password').fill('paula-password');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.waitForURL(`http://other.corp.example:${portOf(elsewhere)}/start`);
      });
    } finally {
      await own.close();
      for (const server of [elsewhere, leading]) {
        server.closeAllConnections();
        server.close();
      }
    }
  });

  test('reads that a form was not carried out, after the session has ended, and is led back to it', async () => {
    await asPerson('-', async (page, context) => {
      await visit(page, `${site}/`);
      const signIn = async (): Promise<void> => {
        await page.getByLabel('User name').fill('paula');
        await page.getByLabel('Password').fill('paula-password');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByText('CORP\\paula').first().waitFor();
      };
      await signIn();
      await context.clearCookies();
      await page.setContent('<form method="post" action="/upload"><button>Send</button></form>');
      const posted = page.waitForResponse(`${site}/upload`);
      await page.getByRole('button').click();
      assert.equal((await posted).status(), 401);
      await page.getByText('was not carried out').waitFor();
      await signIn();
      assert.equal(page.url(), `${site}/`);
    });
  });

  test('reads all of it in their own language', async () => {
    await asPerson('-', async (page) => {
      await page.setExtraHTTPHeaders({ 'Accept-Language': 'pl-PL,pl;q=0.9,en;q=0.8' });
      const { title } = await visit(page, `${site}/`);
      assert.equal(title, `Zaloguj się – ${host}`);
      assert.equal(await page.evaluate('document.documentElement.lang'), 'pl');
    });
  });

  test('with a ticket, chooses Windows on the sign-in page and is where they wanted to go', async () => {
    await asPerson('alice', async (page) => {
      await page.goto(`${site}/auth/login?return=${encodeURIComponent('/?from=mail')}`);
      await page.getByRole('link', { name: 'Sign in with Windows' }).click();
      await page.getByText('CORP\\alice').first().waitFor();
      assert.equal(page.url(), `${site}/?from=mail`);
    });
  });
});

function portOf(server: Server): number {
  const where = server.address();
  return where !== null && typeof where === 'object' ? where.port : 0;
}
