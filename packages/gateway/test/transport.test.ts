/** What depends on how a request came in: TLS here, TLS at a proxy in front, or none. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { asBrowser, sessionOf, send, startTestGateway, type TestGateway, usersFile } from './harness.ts';

const config = (more: string) => (upstream: string) =>
  `
sign_in: [{ password: { users: users.yaml } }]
${more}
apps:
  - name: sample
    host: 127.0.0.1
    upstream: ${upstream}
    unauthorized: /unauthorized
    rules:
      - { path: /reports/**, groups: [board] }
      - { path: /**, signed_in: true }
`;

const login = (gateway: TestGateway, headers: Readonly<Record<string, string>> = {}) =>
  send(`${gateway.origin}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams({ name: 'alice', password: 'alice-password', return: '/' }).toString(),
  });

suite('over TLS', () => {
  let gateway: TestGateway;
  before(async () => {
    const file = (name: string): string => readFileSync(join(import.meta.dirname, 'check/files', name), 'utf8');
    gateway = await startTestGateway({
      listen: '{ address: "127.0.0.1:0", tls: { cert: gateway.pem, key: gateway.key } }',
      files: {
        'users.yaml': await usersFile({ alice: [] }),
        'gateway.pem': file('gateway.pem'),
        'gateway.key': file('gateway.key'),
      },
      config: config(''),
    });
  });
  after(() => gateway.close());

  test('the session cookie is Secure and pinned to the host', async () => {
    const [cookie = ''] = (await login(gateway)).headers['set-cookie'] ?? [];
    assert.match(cookie, /^__Host-cardea=[\w-]+; Path=\/; .*Secure/);
  });

  test('the session cookie signs on, and one without its prefix does not', async () => {
    const cookie = sessionOf(await login(gateway));
    const status = async (field: string): Promise<number> =>
      (await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: field } })).status;
    assert.equal(await status(cookie), 200);
    assert.equal(await status(cookie.replace('__Host-', '')), 401);
  });

  test('the app is told that its visitor came over https', async () => {
    const response = await send(`${gateway.origin}/headers`, { headers: { Cookie: sessionOf(await login(gateway)) } });
    assert.equal(new Map<string, string>(JSON.parse(response.body)).get('X-Forwarded-Proto'), 'https');
  });

  test('a refused page is sent where the configuration says, a refused API call gets 403', async () => {
    const headers = { Cookie: sessionOf(await login(gateway)) };
    const page = await send(`${gateway.origin}/reports/`, { headers: { ...headers, ...asBrowser } });
    assert.deepEqual([page.status, page.headers.location], [303, '/unauthorized']);
    assert.equal((await send(`${gateway.origin}/reports/`, { headers })).status, 403);
  });
});

suite('behind a proxy that ends TLS', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({
      files: { 'users.yaml': await usersFile({ alice: [] }) },
      config: config('trusted_proxies: [127.0.0.1/32]'),
    });
  });
  after(() => gateway.close());
  const viaTls = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '10.1.2.3' };

  test('the session cookie is Secure, because the browser is on https', async () => {
    assert.match((await login(gateway, viaTls)).headers['set-cookie']?.[0] ?? '', /^__Host-cardea=.*Secure/);
  });

  test('the address in the audit log and towards the app is the client, not the proxy', async () => {
    const cookie = sessionOf(await login(gateway, viaTls));
    assert.equal(gateway.audit('sign-in').at(-1)?.['address'], '10.1.2.3');
    const { body } = await send(`${gateway.origin}/headers`, { headers: { ...viaTls, Cookie: cookie } });
    assert.equal(new Map<string, string>(JSON.parse(body)).get('X-Forwarded-For'), '10.1.2.3');
  });

  test('an Origin of the https site is the own one', async () => {
    const { hostname, port } = new URL(gateway.origin);
    const response = await login(gateway, { ...viaTls, Origin: `https://${hostname}:${port}` });
    assert.equal(response.status, 303);
  });
});

suite('with nobody trusted in front', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({ files: { 'users.yaml': await usersFile({ alice: [] }) }, config: config('') });
  });
  after(() => gateway.close());

  test("a client's own forwarded fields are neither believed nor passed on", async () => {
    const forged = {
      'X-Forwarded-For': '10.9.9.9',
      'X-Forwarded-Proto': 'https',
      Forwarded: 'for=10.9.9.9',
      'X-Real-IP': '10.9.9.9',
    };
    const cookie = sessionOf(await login(gateway, forged));
    assert.match(cookie, /^cardea=/);
    assert.equal(gateway.audit('sign-in').at(-1)?.['address'], '127.0.0.1');
    const { body } = await send(`${gateway.origin}/headers`, { headers: { ...forged, Cookie: cookie } });
    assert.doesNotMatch(body, /10\.9\.9\.9/);
  });

  test("a client's own request number is replaced by ours", async () => {
    const headers = { 'X-Request-Id': 'mine', Cookie: sessionOf(await login(gateway)) };
    const { body } = await send(`${gateway.origin}/headers`, { headers });
    const ids = JSON.parse(body).filter(([name]: [string]) => name === 'X-Request-Id');
    assert.equal(ids.length, 1);
    assert.notEqual(ids[0][1], 'mine');
  });
});
