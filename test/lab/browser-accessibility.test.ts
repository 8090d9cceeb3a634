/**
 * Every page of ours in a real Chromium, judged by axe-core: light and dark, on a phone and on a desk, in every language,
 * and as it would be in a language that is written from right to left.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page as Tab } from 'playwright-core';
import { type Browser, startChromium } from '../../lab/chromium.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { pageLanguages } from '../../packages/gateway/src/config/sections/pages.ts';
import { type Brand, createPages, type Page } from '../../packages/gateway/src/server/pages/layout.ts';
import { everyPage } from '../../packages/gateway/src/server/pages/pages-testing.ts';

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const logo = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 1"><path d="M0 0h4v1H0z" fill="#0a5c36"/></svg>';
const brand: Brand = {
  name: 'The Applications of a Company with a Long Name',
  logo: `data:image/svg+xml;base64,${Buffer.from(logo).toString('base64')}`,
  accent: { light: '#0a5c36', dark: undefined },
  help: { text: 'The service desk helps from 8 to 18 o’clock: 4321', link: 'https://help.corp.example' },
};

/** `/en/sign-in`: everybody's look; `/brand/…`: an operator's; `/rtl/…`: from right to left. */
function pagesByPath(): ReadonlyMap<string, Page> {
  const found = new Map<string, Page>();
  const add = (kind: string, language: string, of?: Brand, change = (text: string) => text): void => {
    const pages = createPages(of, [...pageLanguages]);
    const context = { pages, fields: ['Accept-Language', language], host: 'app.corp.example' };
    for (const [name, page] of everyPage(context)) found.set(`/${kind}/${name}`, { ...page, text: change(page.text) });
  };
  for (const language of pageLanguages) add(language, language);
  add('brand', 'en', brand);
  add('rtl', 'en', brand, (text) => text.replace('dir="ltr"', 'dir="rtl"'));
  return found;
}

interface Judgement {
  readonly violations: readonly Finding[];
  readonly incomplete: readonly Finding[];
  readonly passes: readonly Finding[];
}
interface Finding {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string }[];
}

suite('every page of ours, judged by axe-core in a real Chromium', { skip: reasonToSkip() }, () => {
  const pages = pagesByPath();
  let server: Server;
  let origin: string;
  let browser: Browser;
  let tab: Tab;
  const complaints: string[] = [];

  before(async () => {
    server = createServer((request, response) => {
      const page = pages.get(request.url ?? '');
      if (page === undefined) response.writeHead(404).end();
      else response.writeHead(200, [...page.fields]).end(page.text);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const where = server.address();
    origin = `http://127.0.0.1:${where !== null && typeof where === 'object' ? where.port : 0}`;
    browser = await startChromium();
    tab = await browser.context.newPage();
    tab.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('favicon')) complaints.push(message.text());
    });
    tab.on('pageerror', (error) => complaints.push(error.message));
  });
  after(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  async function open(path: string, scheme: 'light' | 'dark', width: number): Promise<void> {
    await tab.emulateMedia({ colorScheme: scheme });
    await tab.setViewportSize({ width, height: 640 });
    await tab.goto(origin + path);
    // What is folded away has to be right as well.
    await tab.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
  }
  const judge = (): Promise<Judgement> => tab.evaluate<Judgement>(`${axe}; axe.run()`);
  const told = (findings: readonly Finding[]): string[] =>
    findings.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);

  const looks = [
    ['light', 320],
    ['light', 1280],
    ['dark', 320],
    ['dark', 1280],
  ] as const;
  for (const [scheme, width] of looks)
    test(`nothing is wrong with any page, ${scheme}, ${width} px wide`, async () => {
      complaints.length = 0;
      for (const path of pages.keys()) {
        const [, kind = ''] = path.split('/');
        // Colours depend on the brand, and lengths on the language: neither on both.
        const worthIt = kind === 'en' || (width === 320 && (kind === 'brand' || scheme === 'light'));
        if (!worthIt) continue;
        await open(path, scheme, width);
        const { violations, incomplete, passes } = await judge();
        assert.deepEqual(told(violations), [], path);
        // What it could not judge by itself counts as wrong, contrast above all.
        assert.deepEqual(told(incomplete), [], path);
        assert.ok(
          passes.some(({ id }) => id === 'color-contrast'),
          path,
        );
        const overhang = await tab.evaluate<number>(`document.documentElement.scrollWidth - ${width}`);
        assert.ok(overhang <= 0, `${path} is ${overhang} px too wide`);
      }
      assert.deepEqual(complaints, []);
    });

  test('axe-core sees what it is there for: an input without a label, and words that are hard to read', async () => {
    await open('/en/sign-in-form', 'light', 1280);
    await tab.evaluate(
      "document.querySelector('label').remove(); document.querySelector('h1').setAttribute('style', 'color:#ccc'); document.querySelector('h1').style.color = '#ccc'",
    );
    const { violations } = await judge();
    const ids = violations.map(({ id }) => id);
    assert.ok(ids.includes('label') && ids.includes('color-contrast'), ids.join());
  });

  test('words stay readable when they are twice as large', async () => {
    for (const path of [...pages.keys()].filter((one) => /^\/(?:de|brand)\//.test(one))) {
      // 640 px at 200 % (WCAG 1.4.4) is what 320 px are at 100 %; the letters alone, then.
      await open(path, 'light', 640);
      await tab.evaluate("document.documentElement.style.fontSize = '200%'");
      const overhang = await tab.evaluate<number>('document.documentElement.scrollWidth - 640');
      assert.ok(overhang <= 0, `${path} is ${overhang} px too wide`);
    }
  });

  test('the keyboard reaches everything on the sign-in page, in the order of reading', async () => {
    await open('/en/sign-in-after-windows', 'light', 1280);
    const reached: string[] = [];
    for (let i = 0; i < 7; i++) {
      await tab.keyboard.press('Tab');
      reached.push(await tab.evaluate<string>('document.activeElement.id || document.activeElement.textContent'));
      // Where the keyboard is has to be seen.
      const outline = await tab.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
      assert.equal(outline, 'solid', reached.join());
    }
    assert.deepEqual(reached, [
      'Try again',
      'Sign in with Company account',
      'Sign in with Company account',
      'name',
      'password',
      'Sign in',
      'Windows sign-in did not work?',
    ]);
  });

  test('the cursor waits in the name of a form that is the only way, and in the password after a mistake', async () => {
    const focused = 'document.activeElement.id';
    await open('/en/sign-in-form', 'light', 1280);
    assert.equal(await tab.evaluate(focused), 'name');
    await open('/en/sign-in-wrong-name-or-password', 'light', 1280);
    assert.equal(await tab.evaluate(focused), 'password');
    const explained = "document.getElementById(document.activeElement.getAttribute('aria-describedby')).textContent";
    assert.match(await tab.evaluate<string>(explained), /not right/);
  });

  test('a page in a language from right to left begins at the right', async () => {
    await open('/rtl/sign-in-form', 'light', 1280);
    const label = await tab.locator('label').first().boundingBox();
    const site = await tab.locator('.site img').boundingBox();
    const input = await tab.locator('#name').boundingBox();
    assert.ok(label !== null && site !== null && input !== null);
    assert.ok(Math.abs(site.x + site.width - (input.x + input.width)) < 2, 'the logo is not at the right');
    const align = await tab.evaluate<string>("getComputedStyle(document.querySelector('label')).direction");
    assert.equal(align, 'rtl');
  });

  test('the logo is shown although nothing may be loaded, and a script would not run', async () => {
    await open('/brand/sign-in', 'light', 1280);
    assert.ok(await tab.evaluate<boolean>("document.querySelector('.site img').naturalWidth > 0"));
    complaints.length = 0;
    await tab.evaluate(
      "document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))",
    );
    await tab.evaluate("document.body.append(Object.assign(new Image(), { src: 'https://evil.example/x.png' }))");
    assert.equal(await tab.evaluate('window.ran'), undefined);
    assert.ok(complaints.some((text) => /script/i.test(text)));
  });

  test('colours of the system take over where people have asked for them, and buttons keep their shape', async () => {
    await open('/en/sign-in', 'light', 1280);
    await tab.emulateMedia({ forcedColors: 'active' });
    const border = await tab.evaluate<string>("getComputedStyle(document.querySelector('.first')).borderTopStyle");
    assert.equal(border, 'solid');
    await tab.emulateMedia({ forcedColors: 'none' });
  });
});
