import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { asBrowser, send, signIn, startTestGateway, type TestGateway, usersFile } from './harness.ts';

const logo = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>';
let gateway: TestGateway;

before(async () => {
  gateway = await startTestGateway({
    files: { 'users.yaml': await usersFile({ alice: [], bob: [] }), 'logo.svg': logo },
    config: (upstream) =>
      `
sign_in: [{ password: { users: users.yaml } }]
pages:
  name: Corp Apps
  logo: logo.svg
  accent: "#0a5c36"
  help: { text: { en: "Call 4321", de: "4321 anrufen" }, link: "tel:4321" }
  languages: [de, en]
apps:
  - name: sample
    host: [127.0.0.1, app.corp.example]
    upstream: ${upstream}
    csrf: true
    rules:
      - { path: /secret/**, groups: [nobody-is-in-it] }
      - { path: /**, signed_in: true }
  - { name: down, host: down.corp.example, upstream: "http://127.0.0.1:1", rules: [{ path: /**, public: true }] }
`,
  });
});
after(() => gateway.close());

const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  send(gateway.origin + path, { headers: { ...asBrowser, ...headers } });

test('pages speak the language that the browser prefers, and the first configured one otherwise', async () => {
  const languages = await Promise.all(
    ['en-GB,de;q=0.5', 'fr', 'de-AT', 'en;q=2', undefined].map(async (wanted) => {
      const { headers, body } = await get('/auth/login', wanted === undefined ? {} : { 'Accept-Language': wanted });
      assert.match(body, new RegExp(`<html lang="${String(headers['content-language'])}"`));
      assert.equal(headers['vary'], 'Accept-Language');
      assert.equal(headers['cache-control'], 'no-store');
      return headers['content-language'];
    }),
  );
  assert.deepEqual(languages, ['en', 'de', 'de', 'de', 'de']);
});

test('pages bear the brand: name, logo as part of the page, colour and help', async () => {
  const { body, headers } = await get('/auth/login', { 'Accept-Language': 'en' });
  assert.match(body, /<title>Sign in – Corp Apps<\/title>/);
  assert.ok(body.includes(`<img src="data:image/svg+xml;base64,${Buffer.from(logo).toString('base64')}" alt="">`));
  assert.match(body, /--act:#0a5c36/);
  assert.match(body, /Call 4321 <a href="tel:4321">Get help<\/a>/);
  assert.match(String(headers['content-security-policy']), /^default-src 'none'; .*img-src data:/);
});

test('pages name the app that somebody is on the way to', async () => {
  const { body } = await get('/auth/login?return=/reports/', { 'Accept-Language': 'en' });
  assert.match(body, /to go on to <strong>sample<\/strong>/);
});

test('an application that is down has a page with a way to try again', async () => {
  const { status, body } = await get('/figures?year=1', { Host: 'down.corp.example', 'Accept-Language': 'en' });
  assert.equal(status, 502);
  assert.match(body, /cannot be reached.*href="\/figures\?year=1">Try again/s);
});

test('a form that nobody is signed in for gets a page that says so, not a redirect that loses it', async () => {
  const headers = { ...asBrowser, 'Accept-Language': 'en', 'Content-Type': 'application/x-www-form-urlencoded' };
  const { status, body } = await send(`${gateway.origin}/upload`, { method: 'POST', headers, body: 'a=b' });
  assert.equal(status, 401);
  assert.match(body, /was not carried out/);
});

test('a form without the token of its session gets a page, and does not reach the app', async () => {
  const headers = {
    ...asBrowser,
    'Accept-Language': 'en',
    Cookie: await signIn(gateway.origin, 'alice'),
    'Content-Type': 'application/x-www-form-urlencoded',
  };
  const { status, body } = await send(`${gateway.origin}/upload`, { method: 'POST', headers, body: 'a=b' });
  assert.equal(status, 403);
  assert.match(body, /Nothing was changed/);
});

test('a request that cannot be read gets a person a page, in their language, with its number', async () => {
  const { hostname, port } = new URL(gateway.origin);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let bytes = '';
    socket.on('data', (chunk: Buffer) => (bytes += chunk.toString()));
    socket.on('close', () => resolve(bytes));
    socket.on('error', reject);
    socket.write('GET /a/../b HTTP/1.1\r\nHost: app.corp.example\r\nAccept: text/html\r\nAccept-Language: en\r\n\r\n');
  });
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.match(answer, /<h1>This request cannot be read<\/h1>/);
  assert.match(answer, /Request <code>[0-9a-f-]{36}<\/code>/);
});

test('the sign-in form gives the name back as text, whatever it is', async () => {
  const { body } = await send(`${gateway.origin}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Accept-Language': 'en' },
    body: new URLSearchParams({ name: '"><script>alert(1)</script>', password: 'x', return: '/' }).toString(),
  });
  assert.match(body, /value="&quot;&gt;&lt;script&gt;alert\(1\)&lt;\/script&gt;"/);
});

test('after the form a browser gets a page that leads on by itself, and a way to go on', async () => {
  const { status, headers, body } = await send(`${gateway.origin}/auth/login`, {
    method: 'POST',
    headers: { ...asBrowser, 'Accept-Language': 'en', 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ name: 'bob', password: 'bob-password', return: '/a?b=1#c' }).toString(),
  });
  assert.deepEqual([status, headers['refresh']], [200, '0; url=/a?b=1#c']);
  assert.match(body, /<a href="\/a\?b=1#c">go on<\/a>/);
  assert.match(String(headers['set-cookie']), /^cardea=[\w-]+;/);
});
