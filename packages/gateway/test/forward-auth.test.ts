/** `/auth/validate` as proxies ask it, question by question. Real proxies ask in test/lab/forward-auth.test.ts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openFiles } from '../src/config/files.ts';
import { checkConfig } from '../src/config/load.ts';
import { makeKey, postJson } from './credentials.ts';
import {
  asBrowser,
  send,
  sessionOf,
  signIn,
  signOut,
  startTestGateway,
  type TestGateway,
  usersFile,
  withCsrf,
} from './harness.ts';

const apps = (upstream: string): string => `
sign_in:
  - password: { users: users.yaml }
  - api_key: {}
  - stream_token: {}
apps:
  - name: desk
    host: "*"
    csrf: true
    upstream: ${upstream}
    rules:
      - { path: /health, public: true }
      - { path: /reports/**, groups: [team-ai] }
      - { path: /lan/**, networks: [192.0.2.0/24] }
      - { path: /**, signed_in: true }
`;
const start = async (settings: string): Promise<TestGateway> =>
  startTestGateway({
    threads: 1,
    files: { 'users.yaml': await usersFile({ alice: ['team-ai'], bob: ['dep1'] }) },
    config: (upstream) => `${settings}\n${apps(upstream)}`,
  });

/** What nginx sends for a request. */
const nginx = (target: string, method = 'GET'): Record<string, string> => ({
  'X-Original-Method': method,
  'X-Original-Host': 'desk.corp.example',
  'X-Original-URI': target,
  'X-Forwarded-For': '192.0.2.7',
  'X-Forwarded-Proto': 'http',
});
const traefik = (target: string, method = 'GET'): Record<string, string> => ({
  'X-Forwarded-Method': method,
  'X-Forwarded-Host': 'desk.corp.example',
  'X-Forwarded-Uri': target,
  'X-Forwarded-For': '192.0.2.7',
  'X-Forwarded-Proto': 'http',
});

suite('forward-auth of nginx', () => {
  let gateway: TestGateway;
  let alice = '';
  let bob = '';
  before(async () => {
    gateway = await start('trusted_proxies: [127.0.0.1]\nforward_auth: { proxy: nginx }');
    alice = await signIn(gateway.origin, 'alice');
    bob = await signIn(gateway.origin, 'bob');
  });
  after(() => gateway.close());
  const ask = (headers: Record<string, string>, path = '/auth/validate', method = 'GET') =>
    send(`${gateway.origin}${path}`, { method, headers });

  test('who may gets 200 with the identity, an assertion and the target, and no body', async () => {
    const { status, headers, body } = await ask({ ...nginx('/reports/?a=%41'), Cookie: `a=b; ${alice}` });
    assert.deepEqual([status, body], [200, '']);
    assert.equal(headers['x-authenticated-user'], 'CORP\\alice');
    assert.equal(headers['x-cardea-target'], '/reports/?a=%41');
    assert.equal(String(headers['x-cardea-assertion']).split('.').length, 3);
    assert.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/);
  });

  test('the answer has what is left of the cookies for the app, and nothing when nothing is left', async () => {
    assert.equal((await ask({ ...nginx('/'), Cookie: `a=b; ${alice}` })).headers['cookie'], 'a=b');
    assert.equal((await ask({ ...nginx('/'), Cookie: alice })).headers['cookie'], undefined);
  });

  test('any method of the question itself is as good', async () => {
    for (const method of ['GET', 'POST', 'HEAD', 'PROPFIND'])
      assert.equal((await ask({ ...nginx('/'), Cookie: alice }, '/auth/validate', method)).status, 200, method);
  });

  test('a browser gets 401 with the address of the sign-in, a program 401 without one', async () => {
    const page = await ask({ ...nginx('/reports/?a=b'), ...asBrowser });
    assert.deepEqual(
      [page.status, page.headers['x-cardea-location']],
      [401, '/auth/login?return=%2Freports%2F%3Fa%3Db'],
    );
    assert.equal(page.headers['location'], undefined);
    const program = await ask(nginx('/reports/'));
    assert.deepEqual([program.status, program.headers['x-cardea-location']], [401, undefined]);
    const upgrade = await ask({ ...nginx('/live'), 'X-Original-Upgrade': 'websocket', ...asBrowser });
    assert.deepEqual([upgrade.status, upgrade.headers['x-cardea-status']], [403, '400']);
  });

  test('who may not gets 403, and what is no proper request 403 with the status to give', async () => {
    const status = async (target: string, cookie = bob): Promise<unknown[]> => {
      const { status: code, headers } = await ask({ ...nginx(target), Cookie: cookie });
      return [code, headers['x-cardea-status']];
    };
    assert.deepEqual(await status('/reports/'), [403, '403']);
    assert.deepEqual(await status('/x/..;/reports/'), [403, '400']);
    assert.deepEqual(await status('//reports/', alice), [403, '400']);
    assert.deepEqual(await status('/auth/me', alice), [403, '404']);
    assert.deepEqual(await status('/auth/validate', alice), [403, '404']);
  });

  test("a rule about networks looks at the client's address, not the proxy's", async () => {
    assert.equal((await ask({ ...nginx('/lan/'), Cookie: alice })).status, 200);
    assert.equal((await ask({ ...nginx('/lan/'), 'X-Forwarded-For': '198.51.100.1', Cookie: alice })).status, 403);
  });

  test('another site and a missing token against forged requests are refused as always', async () => {
    const foreign = { ...nginx('/', 'POST'), Cookie: alice, Origin: 'https://evil.example' };
    assert.equal((await ask(foreign)).status, 403);
    assert.equal((await ask({ ...nginx('/', 'POST'), Cookie: alice, Origin: 'http://desk.corp.example' })).status, 403);
    const own = await withCsrf(gateway.origin, alice);
    assert.equal((await ask({ ...nginx('/', 'POST'), ...own })).status, 200);
  });

  test('an API key is enough, and good for what it is good for', async () => {
    const key = await makeKey(gateway.folder, 'nightly', '--path', '/jobs/**');
    const answer = await ask({ ...nginx('/jobs/7'), 'X-API-Key': key });
    assert.deepEqual([answer.status, answer.headers['x-authenticated-user']], [200, 'key:nightly']);
    assert.ok(!JSON.stringify(answer.headers).includes(key));
    assert.equal((await ask({ ...nginx('/elsewhere'), 'X-API-Key': key })).status, 401);
  });

  test('a stream token is spent once, and the target is given without it', async () => {
    const own = await withCsrf(gateway.origin, alice);
    const made = await postJson(`${gateway.origin}/auth/stream-tokens`, { path: '/events' }, own);
    const { url } = JSON.parse(made.body);
    const first = await ask(nginx(`${url}&from=7`));
    assert.deepEqual([first.status, first.headers['x-cardea-target']], [200, '/events?from=7']);
    assert.equal((await ask(nginx(`${url}&from=7`))).status, 401);
  });

  test('a forged field is refused, in whatever spelling, and told to the audit log', async () => {
    const { status, headers } = await ask({ ...nginx('/'), Cookie: alice, X_Authenticated_User: 'CORP\\admin' });
    assert.deepEqual([status, headers['x-cardea-status']], [403, '400']);
    assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'forward-auth-forged-field');
  });

  test('a question is one by its bytes alone', async () => {
    // The last one is `/auth/me` to nginx and Caddy, which pass on what they have got.
    for (const path of [
      '/auth/%76alidate',
      '/auth/validate;x',
      '/auth/validatex',
      '/AUTH/validate',
      '/auth/validate/',
      '/auth/validate/x%2f..%2f..%2fme',
    ])
      assert.notEqual(
        (await ask({ ...nginx('/'), Cookie: alice }, path)).headers['x-authenticated-user'],
        'CORP\\alice',
        path,
      );
  });

  test('questions one after the other on one connection are judged each by itself', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const once = (headers: Record<string, string>) => send(`${gateway.origin}/auth/validate`, { headers, agent });
    const same = { ...nginx('/reports/'), Cookie: alice };
    const answers = [
      await once(same),
      await once(same),
      await once({ ...nginx('/reports/'), Cookie: bob }),
      await once(same),
    ];
    assert.deepEqual(
      answers.map(({ status, headers }) => [status, headers['x-authenticated-user']]),
      [
        [200, 'CORP\\alice'],
        [200, 'CORP\\alice'],
        [403, undefined],
        [200, 'CORP\\alice'],
      ],
    );
    assert.notEqual(answers[0]?.headers['x-request-id'], answers[1]?.headers['x-request-id']);
    agent.destroy();
  });

  test('signing out ends it', async () => {
    const cookie = await signIn(gateway.origin, 'alice');
    assert.equal((await ask({ ...nginx('/'), Cookie: cookie })).status, 200);
    await signOut(gateway.origin, cookie);
    assert.equal((await ask({ ...nginx('/'), Cookie: cookie })).status, 401);
  });
});

suite('forward-auth of others', () => {
  test('a preflight passes by a public rule, and never as an answer of our own', async (t) => {
    for (const [cors, status] of [
      ['', 200],
      ['cors: { origins: [https://portal.example] }', 403],
    ] as const) {
      const gateway = await startTestGateway({
        threads: 1,
        config: (upstream) => `
trusted_proxies: [127.0.0.1]
forward_auth: { proxy: traefik }
sign_in: [{ api_key: {} }]
apps:
  - name: desk
    host: desk.corp.example
    upstream: ${upstream}
    rules: [{ path: /**, methods: [OPTIONS], public: true }, { path: /**, signed_in: true }]
    ${cors}
`,
      });
      t.after(() => gateway.close());
      const headers = {
        ...traefik('/a', 'OPTIONS'),
        Origin: 'https://portal.example',
        'Access-Control-Request-Method': 'PUT',
      };
      assert.equal((await send(`${gateway.origin}/auth/validate`, { headers })).status, status);
    }
  });

  test('Traefik sends browsers to a whole address, and is told no stream token’s way around', async (t) => {
    const gateway = await start('trusted_proxies: [127.0.0.1]\nforward_auth: { proxy: traefik }');
    t.after(() => gateway.close());
    const ask = (headers: Record<string, string>) => send(`${gateway.origin}/auth/validate`, { headers });
    const page = await ask({ ...traefik('/a'), ...asBrowser });
    assert.deepEqual([page.status, page.headers['location']], [303, 'http://desk.corp.example/auth/login?return=%2Fa']);
    const alice = await signIn(gateway.origin, 'alice');
    assert.equal((await ask({ ...traefik('/a'), Cookie: alice })).status, 200);
    const tokened = await ask({ ...traefik('/a?stream_token=cardea_st_x'), Cookie: alice });
    assert.deepEqual([tokened.status, gateway.audit('refused').at(-1)?.['reason']], [403, 'stream-token-stays']);
    const nothing = await ask({ ...nginx('/a'), Cookie: alice });
    assert.equal(nothing.status, 400);
  });

  test('Envoy is told what to remove, and an answer never names what it sets', async (t) => {
    const gateway = await start('trusted_proxies: [127.0.0.1]\nforward_auth: { proxy: envoy }');
    t.after(() => gateway.close());
    const alice = await signIn(gateway.origin, 'alice');
    const headers = {
      'X-Forwarded-For': '192.0.2.7',
      'X-Forwarded-Proto': 'http',
      Cookie: alice,
      'x-authenticated-user': 'CORP\\admin',
      'X_Authenticated.User': 'CORP\\admin',
      'X-API-Key': 'mine',
    };
    const answer = await send(`${gateway.origin}/auth/validate/reports/`, { headers: { ...headers, 'X-API-Key': '' } });
    assert.equal(answer.status, 401);
    const { 'X-API-Key': _, ...rest } = headers;
    const good = await send(`${gateway.origin}/auth/validate/reports/`, { headers: rest });
    assert.equal(good.status, 200);
    assert.equal(good.headers['x-authenticated-user'], 'CORP\\alice');
    const removed = String(good.headers['x-envoy-auth-headers-to-remove']).split(', ');
    assert.deepEqual(removed.sort(), ['Cookie', 'X_Authenticated.User']);
  });

  test('Envoy’s questions with the same fields about other targets, on one connection, are judged each by itself', async (t) => {
    const gateway = await start('trusted_proxies: [127.0.0.1]\nforward_auth: { proxy: envoy }');
    t.after(() => gateway.close());
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const headers = {
      'X-Forwarded-For': '192.0.2.7',
      'X-Forwarded-Proto': 'http',
      Cookie: await signIn(gateway.origin, 'bob'),
    };
    const statuses: number[] = [];
    for (const [method, target] of [
      ['GET', '/'],
      ['GET', '/reports/'],
      ['GET', '/?x'],
      ['POST', '/'],
      ['GET', '/'],
    ])
      statuses.push(
        (await send(`${gateway.origin}/auth/validate${target}`, { method: method ?? '', headers, agent })).status,
      );
    // A POST without the token against forged requests is refused as well.
    assert.deepEqual(statuses, [200, 403, 200, 403, 200]);
  });

  test('the example of the configuration has no error', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../examples/forward-auth/cardea.yaml'), 'utf8');
    const options = { env: {}, now: Date.now(), withFiles: false };
    assert.deepEqual(checkConfig(text, 'text', openFiles('.'), options).problems, []);
  });

  test('nobody may ask who is no trusted proxy, or not one of those that ask', async (t) => {
    for (const settings of [
      'trusted_proxies: [127.0.0.2]\nforward_auth: { proxy: nginx }',
      'trusted_proxies: [127.0.0.1, 127.0.0.2]\nforward_auth: { proxy: nginx, from: [127.0.0.2] }',
      'trusted_proxies: [127.0.0.2]\nforward_auth: { proxy: nginx, from: [127.0.0.1] }',
      'trusted_proxies: [127.0.0.1]',
    ]) {
      const gateway = await start(settings);
      t.after(() => gateway.close());
      const alice = await signIn(gateway.origin, 'alice');
      for (let i = 0; i < 10; i++) {
        const answer = await send(`${gateway.origin}/auth/validate`, { headers: { ...nginx('/'), Cookie: alice } });
        assert.equal(answer.status, 404);
        assert.equal(answer.headers['x-authenticated-user'], undefined);
      }
      const told = gateway.audit('refused').filter(({ reason }) => reason === 'forward-auth-peer');
      assert.equal(told.length, settings.includes('forward_auth') ? 10 : 0);
    }
  });

  test('a renewed session comes back as it is and numbered, for proxies that cannot pass on two of a name', async (t) => {
    let clock = Date.now();
    const gateway = await startTestGateway({
      now: () => clock,
      files: { 'users.yaml': await usersFile({ alice: ['team-ai'] }) },
      config: (upstream) => `trusted_proxies: [127.0.0.1]\nforward_auth: { proxy: caddy }\n${apps(upstream)}`,
    });
    t.after(() => gateway.close());
    const alice = await signIn(gateway.origin, 'alice');
    clock += 20 * 60_000;
    const answer = await send(`${gateway.origin}/auth/validate`, { headers: { ...traefik('/'), Cookie: alice } });
    assert.equal(answer.status, 200);
    assert.notEqual(sessionOf(answer), '');
    assert.deepEqual(
      [answer.headers['x-cardea-set-cookie-1'], answer.headers['x-cardea-set-cookie-2']],
      answer.headers['set-cookie'],
    );
  });
});
