import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { asPerson, transports, visit } from '../../lab/browse.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { type LabGateway, startLabGateway } from './gateway.ts';

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
      assert.equal(title, 'No access');
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
