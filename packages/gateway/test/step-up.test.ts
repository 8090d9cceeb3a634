/**
 * Rules about how and when somebody signed in, from outside: step-up by password, networks, hours.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { asBrowser, send, sessionOf, signIn, startTestGateway, type TestGateway, usersFile } from './harness.ts';

/** The sample app has no such page, and says so. */
const arrived = 404;

suite('rules about circumstances', () => {
  let now = Date.parse('2026-11-23T12:00:00Z'); // a Monday
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway({
      now: () => now,
      files: { 'users.yaml': await usersFile({ alice: ['traders'], bob: [] }) },
      config: (upstream) => `
trusted_proxies: [127.0.0.1]
sign_in: [{ password: { users: users.yaml } }]
apps:
  - name: desk
    host: "127.0.0.1"
    upstream: ${upstream}
    rules:
      - { path: /orders/**, groups: [traders], max_age: 15m }
      - { path: /metrics, public: true, networks: 10.0.0.0/8 }
      - { path: /late/**, between: "mon-fri 07:00-19:00 Europe/Berlin" }
      - { path: /windows/**, signed_in_by: [password], not: { groups: [traders] } }
      - { path: /**, signed_in: true }
`,
    });
  });
  after(() => gateway.close());

  const get = (path: string, headers: Readonly<Record<string, string>>) =>
    send(`${gateway.origin}${path}`, { headers });

  test('max_age lets a session through until it is too old, and asks a program to sign in again then', async () => {
    const cookie = await signIn(gateway.origin, 'alice');
    now += 15 * 60_000;
    assert.equal((await get('/orders/1', { Cookie: cookie })).status, arrived);
    now += 1_000;
    const { status, body } = await get('/orders/1', { Cookie: cookie });
    assert.equal(status, 401);
    const { error, signInUrl } = JSON.parse(body);
    assert.equal(error, 'sign-in-too-old');
    assert.equal(signInUrl, '/auth/login?return=%2Forders%2F1&again=1');
    assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'sign-in-too-old');
    // The session goes on elsewhere.
    assert.equal((await get('/x', { Cookie: cookie })).status, arrived);
  });

  test('max_age leads a browser to the sign-in page, which does not send it back, and a new sign-in opens the page', async () => {
    const cookie = await signIn(gateway.origin, 'alice');
    now += 16 * 60_000;
    const refused = await get('/orders/1', { ...asBrowser, Cookie: cookie });
    assert.equal(refused.status, 303);
    const location = String(refused.headers.location);
    const page = await get(location, { ...asBrowser, Cookie: cookie });
    assert.equal(page.status, 200);
    assert.match(page.body, /name="password"/);
    const again = await send(`${gateway.origin}/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: cookie },
      body: new URLSearchParams({ name: 'alice', password: 'alice-password', return: '/orders/1' }).toString(),
    });
    assert.equal(again.status, 303);
    const opened = await get('/orders/1', { ...asBrowser, Cookie: sessionOf(again) });
    assert.equal(opened.status, arrived);
  });

  test('max_age refuses who would be refused after a new sign-in as well, and does not ask for one', async () => {
    const cookie = await signIn(gateway.origin, 'bob');
    now += 16 * 60_000;
    assert.equal((await get('/orders/1', { Cookie: cookie })).status, 403);
    assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'not-in-group');
  });

  test('networks open a public path to their clients alone, by the address that a trusted proxy tells', async () => {
    const from = (address: string) => get('/metrics', { 'X-Forwarded-For': address });
    assert.equal((await from('10.1.2.3')).status, arrived);
    assert.equal((await from('192.0.2.1')).status, 403);
    assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'outside-network');
  });

  test('between closes at its hour', async () => {
    now = Date.parse('2026-11-23T17:59:59Z');
    const cookie = await signIn(gateway.origin, 'bob');
    assert.equal((await get('/late/x', { Cookie: cookie })).status, arrived);
    now += 1_000;
    assert.equal((await get('/late/x', { Cookie: cookie })).status, 403);
    assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'outside-hours');
  });

  test('not keeps its group out, and visitors too', async () => {
    const [alice, bob] = [await signIn(gateway.origin, 'alice'), await signIn(gateway.origin, 'bob')];
    assert.equal((await get('/windows/x', { Cookie: bob })).status, arrived);
    assert.equal((await get('/windows/x', { Cookie: alice })).status, 403);
    assert.equal((await get('/windows/x', {})).status, 401);
  });
});
