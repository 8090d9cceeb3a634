import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { after, before, suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { type Browser, startChromium } from '../../lab/chromium.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { startTestGateway, type TestGateway, usersFile } from '../../packages/gateway/test/harness.ts';

/** Of every class of what could lead a browser away from the site that it is on. */
const own: readonly string[] = [
  // Whole addresses, and schemes that are none of the web's.
  'https://evil.example/',
  'HTTPS:evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:\\\\evil.example',
  'javascript:document.location="https://evil.example/"',
  'java\tscript:location="https://evil.example/"',
  'data:text/html,<script>location="https://evil.example/"</script>',
  'blob:https://evil.example/1',
  'view-source:https://evil.example/',
  'about:blank',
  // Network paths, and what becomes one.
  '//evil.example',
  '///evil.example',
  '////evil.example/%2e%2e',
  '/.//evil.example',
  '/././/evil.example',
  '/a/..//evil.example',
  '/a/b/../..//evil.example',
  '/%2e//evil.example',
  '/%2e%2e//evil.example',
  '/a/%2E%2e//evil.example',
  // What browsers read as a slash.
  '/\\evil.example',
  '\\/evil.example',
  '\\\\evil.example',
  '/\\/evil.example',
  '/.\\/evil.example',
  '/a/..\\\\evil.example',
  // What browsers drop.
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '\u0000//evil.example',
  '\u001f//evil.example',
  '/\t\\evil.example',
  '\ufeff//evil.example',
  // Characters that some readers fold into others.
  '/\u2215evil.example',
  '/\uff0fevil.example',
  '//\u3002evil\u3002example',
  '/\u2028/evil.example',
  '/\u0085/evil.example',
  '/\u00a0/evil.example',
  '\u0378//evil.example',
  // A second line of the response.
  '/\r\nLocation: https://evil.example/',
  '/%0d%0aLocation:%20https://evil.example/',
  '/%E5%98%8A%E5%98%8DLocation:https://evil.example',
  // Escapes that are decoded once too often.
  '/%2fevil.example',
  '/%2f%2fevil.example',
  '/%5cevil.example',
  '%2f%2fevil.example',
  '/%09/evil.example',
  '/%252f%252fevil.example',
  '/%00/evil.example',
  // Names that begin or end like ours.
  '.evil.example',
  '@evil.example',
  ':80@evil.example/',
  '/@evil.example',
  '//app.corp.example@evil.example',
  '//app.corp.example:x@evil.example',
  '//evil.example\\@app.corp.example',
  '//evil.example#@app.corp.example',
  '//evil.example?.app.corp.example',
  'app.corp.example.evil.example',
  // By way of another one of our own addresses.
  '/auth/login?return=//evil.example',
  '/auth/login?return=https%3A%2F%2Fevil.example%2F',
  '/auth/login?return=%2Fauth%2Flogin%3Freturn%3D%2F%2Fevil.example',
  '/auth/login?return=/&return=//evil.example',
  '/?x"><meta http-equiv=refresh content="0;url=https://evil.example/">',
];
const vectors = new URL('../../../shared/vectors/open-redirects.txt', import.meta.url);
const published = existsSync(vectors) ? readFileSync(vectors, 'utf8').split('\n').filter(Boolean) : [];

suite('addresses that would lead elsewhere after signing in, in a real Chromium', { skip: reasonToSkip() }, () => {
  let gateway: TestGateway;
  /** An app with one small page for every address, since there are many. */
  let app: Server;
  let browser: Browser;
  let page: Page;
  let site: string;
  /** What the browser asked for, wherever. */
  let asked: string[] = [];

  before(async () => {
    app = createServer((_, response) => {
      response
        .writeHead(200, { 'Content-Type': 'text/html' })
        .end('<!doctype html><link rel="icon" href="data:,"><title>A page</title>');
    });
    await once(app.listen(0, '127.0.0.1'), 'listening');
    const where = app.address();
    const port = where !== null && typeof where === 'object' ? where.port : 0;
    gateway = await startTestGateway({
      files: { 'users.yaml': await usersFile({ alice: [] }) },
      config: () => `
sign_in: [{ password: { users: users.yaml } }]
apps: [{ name: sample, host: app.corp.example, upstream: "http://127.0.0.1:${port}", rules: [{ path: /**, signed_in: true }] }]
`,
    });
    site = `http://app.corp.example:${new URL(gateway.origin).port}`;
    browser = await startChromium({ otherHosts: ['*.evil.example', 'evil.example'] });
    page = await browser.context.newPage();
    browser.context.on('request', (request) => asked.push(request.url()));
    page.on('dialog', (dialog) => {
      asked.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
  });
  after(async () => {
    await browser?.close();
    await gateway?.close();
    app?.closeAllConnections();
    app?.close();
  });

  const signIn = async (): Promise<void> => {
    await page.getByLabel('User name').fill('alice');
    await page.getByLabel('Password').fill('alice-password');
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  /** The ways to write a payload into an address: escaped as a form does, and as it stands. */
  const links = (payload: string): readonly string[] => {
    const escaped = encodeURIComponent(payload.toWellFormed());
    const asItIs = payload.replace(/[\s#]/g, (one) => encodeURIComponent(one));
    // Without escapes of its own the second says the same as the first.
    const both = /[%+&]/.test(payload) ? [escaped, asItIs] : [escaped];
    return both.map((text) => `${site}/auth/login?return=${text}`);
  };
  const staysHere = (payload: string): void => {
    assert.equal(new URL(page.url()).origin, site, JSON.stringify(payload));
    assert.deepEqual(
      asked.filter((url) => !url.startsWith(`${site}/`)),
      [],
      JSON.stringify(payload),
    );
  };
  const open = async (link: string): Promise<void> => {
    asked = [];
    // A page that is refused, or empty, is an answer of this site as well.
    await page.goto(link, { waitUntil: 'load' }).catch((error: unknown) => {
      if (!/ERR_ABORTED/.test(String(error))) throw error;
    });
  };

  test('this test would notice a browser that leaves', async () => {
    await page.goto(`${site}/auth/login`);
    staysHere('nothing');
    const other = await browser.context.newPage();
    await other.goto('http://evil.example:1/').catch(() => {});
    await other.close();
    assert.throws(() => staysHere('nothing'), /evil\.example/);
  });

  test('no link and no form of the sign-in page leads elsewhere', async () => {
    await browser.context.clearCookies();
    const targets = `[...document.querySelectorAll('a')].map((a) => a.href)
      .concat([...document.forms].flatMap((form) => [form.action, new URL(form.elements.return.value, document.baseURI).href]))`;
    // The published ones are tried below: what is followed there is what stands here.
    for (const payload of own)
      for (const link of links(payload)) {
        await open(link);
        const found = await page.evaluate<readonly string[]>(targets);
        assert.ok(found.length > 0);
        for (const target of found) assert.equal(new URL(target).origin, site, JSON.stringify(payload));
        staysHere(payload);
      }
  });

  test('after signing in by the form, the browser has gone on, and is still here, for every class', async () => {
    for (const payload of own) {
      await browser.context.clearCookies();
      await open(`${site}/auth/login`);
      // The page would not say this, but a form can be altered on its way.
      await page.evaluate(`document.forms[0].elements.return.value = ${JSON.stringify(payload)}`);
      await signIn();
      // First our own page, which leads on.
      await page.waitForFunction('!/^(?:Sign in|You are signed in)\\b/.test(document.title)', undefined, {
        timeout: 10_000,
      });
      staysHere(payload);
    }
  });

  test('a person who is signed in already is led on to nowhere else, for every class', async () => {
    await browser.context.clearCookies();
    await page.goto(`${site}/auth/login`);
    await signIn();
    await page.waitForURL(`${site}/`);
    for (const payload of own)
      for (const link of links(payload)) {
        await open(link);
        staysHere(payload);
      }
  });

  test('none of the published payloads leads a request elsewhere that follows where it is led', {
    skip: published.length > 0 ? false : 'the shared vectors are not here',
  }, async () => {
    await browser.context.clearCookies();
    await page.goto(`${site}/auth/login`);
    await signIn();
    await page.waitForURL(`${site}/`);
    asked = [];
    // Navigations, of which there would be too many, read `Location` with the same parser, and go where it says.
    const follow = `Promise.all(LINKS.map((link) => fetch(link).then((r) => r.url, () => 'failed:' + link)))`;
    for (let i = 0; i < published.length; i += 50) {
      const some = published.slice(i, i + 50).flatMap(links);
      const ends = await page.evaluate<readonly string[]>(follow.replace('LINKS', () => JSON.stringify(some)));
      for (const [at, end] of ends.entries()) assert.equal(new URL(end).origin, site, some[at] ?? '');
    }
    staysHere('one of the published');
    assert.ok(asked.length > 2 * published.length, 'the requests were not seen');
  });
});
