/**
 * Signing in by a real OpenID Connect provider in a real browser: what only a browser knows is whether cookies, redirects,
 * fragments and the Content-Security-Policy let the person through.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { type Browser, startChromium } from '../../lab/chromium.ts';
import { oidcDefaults, type OidcHarness, startOidcHarness } from '../../packages/gateway/test/oidc-harness.ts';
import { startOidcProvider, type TestProvider } from '../../packages/gateway/test/oidc-provider.ts';

const skip = existsSync('/usr/bin/chromium') ? false : 'Chromium is not installed: npm run lab:install';

let gateway: OidcHarness;
let corp: TestProvider;
let partner: TestProvider;
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  gateway = await startOidcHarness();
  corp = await startOidcProvider({ clientId: 'cardea', gateway: gateway.origin, id: 'corp' });
  partner = await startOidcProvider({ host: '127.0.0.2', clientId: 'public', gateway: gateway.origin, id: 'partner' });
  serve();
});
after(async () => {
  if (skip !== false) return;
  await gateway.close();
  await corp.close();
  await partner.close();
});

const serve = (more: { readonly sameSite?: 'strict' } = {}): void => {
  gateway.serve(
    [
      { ...oidcDefaults, issuer: corp.issuer, clientId: 'cardea' },
      { ...oidcDefaults, id: 'partner', issuer: partner.issuer, clientId: 'public' },
    ],
    more,
  );
};

/** Fills in the provider's form and agrees. */
async function signIn(page: Page, name: string): Promise<void> {
  await page.fill('input[name=login]', name);
  await page.fill('input[name=password]', 'any');
  await page.click('button[type=submit]');
  await page.click('button[type=submit]');
}
const at = async (page: Page): Promise<string> => {
  await page.waitForURL(`${gateway.origin}/**`);
  return JSON.parse(await page.innerText('body')).at;
};
async function withBrowser(use: () => Promise<void>): Promise<void> {
  browser = await startChromium();
  try {
    await use();
  } finally {
    await browser.close();
  }
}

test('a browser signs in, and a fragment survives when the provider asks nothing', { skip }, () =>
  withBrowser(async () => {
    const page = await browser.context.newPage();
    await page.goto(`${gateway.origin}/reports?year=2026`);
    await signIn(page, 'alice');
    assert.equal(await at(page), '/reports?year=2026');
    await browser.context.clearCookies({ name: 'cardea' });
    await page.goto(`${gateway.origin}/other#chapter-3`);
    assert.equal(page.url(), `${gateway.origin}/other#chapter-3`);
  }),
);

test('three tabs of a browser that sign in at once all arrive', { skip }, () =>
  withBrowser(async () => {
    const pages = await Promise.all(['/a', '/b', '/c'].map(() => browser.context.newPage()));
    await Promise.all(pages.map((page, i) => page.goto(`${gateway.origin}/${i}`)));
    for (const page of pages) {
      await page.fill('input[name=login]', 'alice');
      await page.fill('input[name=password]', 'any');
    }
    for (const [i, page] of pages.entries()) {
      await page.click('button[type=submit]');
      await page.waitForLoadState();
      if (page.url().startsWith(corp.issuer)) await page.click('button[type=submit]');
      assert.equal(await at(page), `/${i}`);
    }
  }),
);

test('a browser comes back with a strict session cookie', { skip }, () =>
  withBrowser(async () => {
    serve({ sameSite: 'strict' });
    const page = await browser.context.newPage();
    await page.goto(`${gateway.origin}/deep?x=1`);
    await signIn(page, 'alice');
    await page.waitForURL(`${gateway.origin}/deep?x=1`);
    assert.equal(await at(page), '/deep?x=1');
    serve();
  }),
);

test('a browser signs in with two providers one after the other, and is another person each time', { skip }, () =>
  withBrowser(async () => {
    const page = await browser.context.newPage();
    const subject = async (): Promise<string> => {
      await page.waitForURL(`${gateway.origin}/x`);
      return JSON.parse(await page.innerText('body')).subject;
    };
    await page.goto(`${gateway.origin}/auth/login/corp?return=/x`);
    await signIn(page, 'alice');
    assert.equal(await subject(), `${corp.issuer}|alice`);
    await page.goto(`${gateway.origin}/auth/login/partner?return=/x`);
    await signIn(page, 'alice');
    assert.equal(await subject(), `${partner.issuer}|alice`);
  }),
);
