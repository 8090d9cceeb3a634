import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { returnPath } from '../src/wire/return-path.ts';
import { type HostileProvider, startHostileProvider } from './hostile-provider.ts';
import { send } from './harness.ts';
import { oidcDefaults, type OidcHarness, startOidcHarness, TestBrowser } from './oidc-harness.ts';

let gateway: OidcHarness;
let provider: HostileProvider;

before(async () => {
  gateway = await startOidcHarness();
  provider = await startHostileProvider();
  gateway.serve([{ ...oidcDefaults, issuer: provider.issuer, clientId: 'cardea' }]);
});
after(async () => {
  await gateway.close();
  await provider.close();
});

/** One of each class of what makes a redirect leave the site. */
const classes: readonly string[] = [
  'https://evil.example/',
  'HTTPS:evil.example',
  '//evil.example',
  '///evil.example',
  '////evil.example/%2e%2e',
  '/\\evil.example',
  '\\\\evil.example',
  '/\\/evil.example',
  '\\/\\/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r\n/evil.example',
  '/\r\nSet-Cookie: cardea=x',
  '\u0000//evil.example',
  ' //evil.example',
  '/ /evil.example',
  '/./ /evil.example',
  '/.//evil.example',
  '/..//evil.example',
  '/a/..//evil.example',
  '/a/../..//evil.example',
  '/%2e%2e//evil.example',
  '/%2e//evil.example',
  '/%09/evil.example',
  '/%5cevil.example',
  '/%2f%2fevil.example',
  '//evil.example\\@127.0.0.1',
  '//127.0.0.1@evil.example',
  '/@evil.example',
  'javascript:alert(1)',
  'java\tscript:alert(1)',
  'data:text/html,x',
  'vbscript:x',
  '//[::1]/',
  '//0x7f.1/',
  '///\u0000evil.example',
  '/\u2028/evil.example',
  '\u3002\u3002//evil.example',
  '/\u2215\u2215evil.example',
  '/\uff0f\uff0fevil.example',
  '.evil.example',
  '@evil.example',
  ':80',
  '?url=//evil.example',
  '#//evil.example',
  '/;@evil.example',
  '/?x=\\\\evil.example',
  '/#\\\\evil.example',
  `/${'a'.repeat(5_000)}`,
];

/** Signs in with this return parameter and gives where the browser is sent in the end, as it was sent. */
async function sentTo(target: string): Promise<{ readonly location: string; readonly cookies: readonly string[] }> {
  const browser = new TestBrowser();
  const start = `${gateway.origin}/auth/login/corp?return=${encodeURIComponent(target)}`;
  const isBack = (url: string): boolean => url.startsWith(`${gateway.origin}/auth/callback/`);
  const page = await browser.visit(start, undefined, isBack);
  const answer = await browser.step(page.url);
  assert.equal(answer.status, 303);
  return { location: answer.headers.location ?? '', cookies: answer.headers['set-cookie'] ?? [] };
}

async function staysHere(target: string): Promise<void> {
  const { location, cookies } = await sentTo(target);
  const url = new URL(location, `${gateway.origin}/auth/callback/corp`);
  assert.equal(url.origin, gateway.origin, target);
  assert.match(location, /^\/(?![/\\])[\x21-\x7e]*$/, target);
  assert.equal(cookies.filter((line) => line.startsWith('cardea=')).length, 1, target);
}

for (const target of classes) {
  test(`signing in leads nobody away with return=${JSON.stringify(target).slice(0, 40)}`, () => staysHere(target));
}

test('signing in keeps a harmless way back, letter for letter', async () => {
  for (const target of ['/', '/a/b?c=d&e=%20#f', '/search?q=https://other.example/', '/~user/;p=1'])
    assert.equal((await sentTo(target)).location, target);
});

const payloads = new URL('../../../../shared/vectors/open-redirects.txt', import.meta.url);
test('signing in leads nobody away with any of the published payloads', {
  skip: existsSync(payloads) ? false : 'the shared vectors are not here',
}, async () => {
  for (const payload of readFileSync(payloads, 'utf8').split('\n')) {
    // Whatever is turned into the root right away was seen above.
    if (returnPath(payload) !== '/') await staysHere(payload);
    // Without our own encoding, as an attacker writes the link; what cannot stand in a request at all is left out.
    if (!/^[\x21-\x7e]*$/.test(payload)) continue;
    const raw = await send(`${gateway.origin}/auth/login/corp?return=${payload}`).catch(() => undefined);
    if (raw?.status !== 303) continue;
    assert.equal(new URL(raw.headers.location ?? '').origin, provider.issuer, payload);
  }
});

test('an answer of the provider cannot say where to go', async () => {
  provider.behave({
    authorize: (url) => {
      url.searchParams.set('return', '//evil.example');
      url.searchParams.set('redirect_uri', 'https://evil.example');
      return url;
    },
  });
  const { location } = await sentTo('/wanted');
  provider.behave({});
  assert.equal(location, '/wanted');
});

test('a page about a failed sign-in leads back to us alone', async () => {
  provider.behave({ claims: (claims) => ({ ...claims, aud: 'x' }) });
  for (const target of classes) {
    const browser = new TestBrowser();
    const page = await browser.visit(`${gateway.origin}/auth/login/corp?return=${encodeURIComponent(target)}`);
    assert.equal(page.status, 403);
    for (const [, href = ''] of page.body.matchAll(/href="([^"]*)"/g))
      assert.equal(new URL(href.replaceAll('&amp;', '&'), page.url).origin, gateway.origin);
  }
  provider.behave({});
});
