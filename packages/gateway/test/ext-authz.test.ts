/** Envoy's question over gRPC, as a whole gateway answers it. Real Envoys ask in test/lab/forward-auth.test.ts. */
import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, suite, type TestContext, test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { makeKey, postJson } from './credentials.ts';
import { type Asking, type EnvoyLike, envoyLike, given, outcome, question } from './ext-authz-client.ts';
import { send, signIn, signOut, startTestGateway, type TestGateway, until, usersFile, withCsrf } from './harness.ts';
import { kill, metric, startThreads } from './threads.ts';

const pem = (name: string): string => readFileSync(join(import.meta.dirname, 'check/files', name), 'utf8');
const apps = (upstream: string): string => `
sign_in:
  - password: { users: users.yaml }
  - api_key: {}
  - stream_token: {}
apps:
  - name: desk
    host: "*"
    upstream: ${upstream}
    rules:
      - { path: /health, public: true }
      - { path: /reports/**, groups: [team-ai] }
      - { path: /lan/**, networks: [192.0.2.0/24] }
      - { path: /**, signed_in: true }
`;
const byGrpc = (more = ''): string =>
  `trusted_proxies: [127.0.0.1]\nforward_auth: { proxy: envoy, grpc: { address: "127.0.0.1:0"${more} } }`;
const surroundingsOf = async (settings: string) => ({
  files: {
    'users.yaml': await usersFile({ alice: ['team-ai'], bob: ['dep1'] }),
    'grpc.pem': pem('gateway.pem'),
    'grpc.key': pem('gateway.key'),
    'ca.pem': pem('wiki.pem'),
  },
  config: (upstream: string) => `${settings}\n${apps(upstream)}`,
});
const start = async (settings: string, threads = 1, now?: () => number): Promise<TestGateway> =>
  startTestGateway({ threads, ...(now === undefined ? {} : { now }), ...(await surroundingsOf(settings)) });
const addressOf = ({ gateway }: TestGateway): string => gateway.addresses[1] ?? '';
const connected = (t: TestContext, gateway: TestGateway): EnvoyLike => {
  const envoy = envoyLike(addressOf(gateway));
  t.after(() => envoy.close());
  return envoy;
};

suite('Envoy asks by gRPC', () => {
  let gateway: TestGateway;
  let envoy: EnvoyLike;
  let alice = '';
  let bob = '';
  before(async () => {
    gateway = await start(byGrpc());
    envoy = envoyLike(addressOf(gateway));
    alice = await signIn(gateway.origin, 'alice');
    bob = await signIn(gateway.origin, 'bob');
  });
  after(async () => {
    envoy.close();
    await gateway.close();
  });
  const ask = (path: string, asking?: Asking) => envoy.ask(question(path, asking));
  const as = (cookie: string, ...fields: (readonly [string, string])[]): Asking => ({
    fields: [['cookie', cookie], ...fields],
  });

  test('who may gets the identity and an assertion, and no cookie of Cardea', async () => {
    const answer = await ask('/reports/?a=%41', as(`a=b; ${alice}`));
    assert.deepEqual(outcome(answer), [200, 'CORP\\alice']);
    assert.equal(given(answer, 'x-cardea-assertion', 'app')[0]?.split('.').length, 3);
    assert.deepEqual(given(answer, 'cookie', 'app'), ['a=b']);
    assert.deepEqual(given(answer, ':path', 'app'), []);
  });

  test('without a session a browser is sent to sign in, a program and a WebSocket get 401', async () => {
    const page = await ask('/a?b', {
      fields: [
        ['accept', 'text/html'],
        ['sec-fetch-mode', 'navigate'],
      ],
    });
    assert.deepEqual([outcome(page), given(page, 'location', 'client')], [[303], ['/auth/login?return=%2Fa%3Fb']]);
    assert.deepEqual(outcome(await ask('/a')), [401]);
    const handshake = [
      ['upgrade', 'websocket'],
      ['connection', 'Upgrade'],
      ['sec-websocket-version', '13'],
      ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ] as const;
    assert.deepEqual(outcome(await ask('/live', { fields: [['accept', 'text/html'], ...handshake] })), [401]);
    assert.deepEqual(outcome(await ask('/live', as(alice, ...handshake))), [200, 'CORP\\alice']);
    const foreign = as(alice, ...handshake, ['origin', 'https://evil.example']);
    assert.deepEqual(outcome(await ask('/live', foreign)), [403]);
  });

  test('a handshake without a key is one nevertheless, and refused', async () => {
    const asking = as(alice, ['upgrade', 'websocket'], ['origin', 'https://evil.example']);
    assert.deepEqual(outcome(await ask('/live', asking)), [400]);
  });

  test('who may not is refused, and what can be read in two ways', async () => {
    assert.deepEqual(outcome(await ask('/reports/', as(bob))), [403]);
    for (const path of ['/x/..;/reports/', '//reports/', '/reports%2f', '/./reports/', 'reports/', '*', ''])
      assert.deepEqual(outcome(await ask(path, as(alice))), [400], path);
    assert.deepEqual(outcome(await ask('/auth/me', as(alice))), [404]);
  });

  test('two credentials, hosts or cookies of Cardea are refused, also joined', async () => {
    const twice = (name: string, value: string) => [[name, value] as const, [name, value] as const];
    assert.deepEqual(outcome(await ask('/', { fields: twice('authorization', 'Bearer x') })), [400]);
    assert.deepEqual(outcome(await ask('/', as(alice, ['cookie', bob]))), [400]);
    // As Envoy joins them.
    assert.deepEqual(outcome(await ask('/', as(`${alice}; ${bob}`))), [401]);
    assert.deepEqual(outcome(await ask('/', as(alice, ['host', 'other.example']))), [400]);
    assert.deepEqual(outcome(await ask('/', as(alice, ['x-forwarded-proto', 'https']))), [400]);
    const joined = { authorization: 'Basic YTpi,Bearer x', 'x-forwarded-proto': 'http', cookie: alice };
    const { method, path, host } = question('/').attributes.request.http;
    assert.deepEqual(
      outcome(await envoy.ask({ attributes: { request: { http: { method, path, host, headers: joined } } } })),
      [400],
    );
    assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'forward-auth-field-joined');
  });

  test('forged fields are removed or overwritten, in whatever spelling', async () => {
    const names = ['x-authenticated-user', 'x_authenticated.user', 'x-authenticated-roles', 'remote_user', 'x-own'];
    const answer = await ask('/', as(alice, ...names.map((name) => [name, 'CORP\\admin'] as const)));
    assert.deepEqual(given(answer, 'x-authenticated-user', 'app'), ['CORP\\alice']);
    assert.deepEqual(given(answer, 'x-authenticated-roles', 'app'), ['']);
    assert.deepEqual([...(answer.okResponse?.headersToRemove ?? [])].sort(), [
      'cookie',
      'remote_user',
      'x_authenticated.user',
    ]);
    assert.ok(answer.okResponse?.headers.every(({ appendAction }) => appendAction === 2));
  });

  test("a rule about networks looks at the client's address, not at Envoy's", async () => {
    assert.deepEqual(outcome(await ask('/lan/', as(alice))), [200, 'CORP\\alice']);
    const { attributes } = question('/lan/', as(alice));
    const { headers } = attributes.request.http.headerMap;
    const elsewhere = headers.map((field) =>
      field.key === 'x-forwarded-for' ? { ...field, rawValue: Buffer.from('198.51.100.1') } : field,
    );
    const http = { ...attributes.request.http, headerMap: { headers: elsewhere } };
    assert.deepEqual(outcome(await envoy.ask({ attributes: { request: { http } } })), [403]);
  });

  test('an API key is enough, and does not reach the app', async () => {
    const key = await makeKey(gateway.folder, 'nightly');
    const answer = await ask('/jobs/7', { fields: [['x-api-key', key]] });
    assert.deepEqual(outcome(answer), [200, 'key:nightly']);
    assert.deepEqual(answer.okResponse?.headersToRemove, ['x-api-key']);
  });

  test('a stream token is spent once, and the app gets the address without it', async () => {
    const own = await withCsrf(gateway.origin, alice);
    const made = await postJson(`${gateway.origin}/auth/stream-tokens`, { path: '/events' }, own);
    const { url } = JSON.parse(made.body);
    const first = await ask(`${url}&from=7`);
    assert.deepEqual([outcome(first), given(first, ':path', 'app')], [[200, 'CORP\\alice'], ['/events?from=7']]);
    assert.deepEqual(outcome(await ask(`${url}&from=7`)), [401]);
  });

  test('what cannot be told as text is refused rather than changed', async () => {
    assert.deepEqual(outcome(await ask('/', as(`a=\xfc; ${alice}`))), [400]);
    assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'forward-auth-field-malformed');
    assert.deepEqual(outcome(await ask('/', as(alice, ['x-own', '\xfc']))), [200, 'CORP\\alice']);
  });

  test('a head that is too large is refused as a listener would', async () => {
    assert.deepEqual(outcome(await ask('/', as(alice, ['x-own', 'y'.repeat(200_000)]))), [431]);
  });

  test('where Envoy asks by gRPC alone, /auth/validate is an unknown address', async () => {
    const { status, headers } = await send(`${gateway.origin}/auth/validate/`, {
      headers: { Cookie: alice, 'X-Forwarded-For': '192.0.2.7', 'X-Forwarded-Proto': 'http' },
    });
    assert.deepEqual([status, headers['x-authenticated-user']], [404, undefined]);
  });

  test('signing out ends it', async () => {
    const cookie = await signIn(gateway.origin, 'alice');
    assert.deepEqual(outcome(await ask('/', as(cookie))), [200, 'CORP\\alice']);
    await signOut(gateway.origin, cookie);
    assert.deepEqual(outcome(await ask('/', as(cookie))), [401]);
  });
});

suite('the address for gRPC', () => {
  test('a renewed session comes back as cookies beside those of the app', async (t) => {
    let clock = Date.now();
    const gateway = await start(byGrpc(), 1, () => clock);
    t.after(() => gateway.close());
    const cookie = await signIn(gateway.origin, 'alice');
    clock += 20 * 60_000;
    const answer = await connected(t, gateway).ask(question('/', { fields: [['cookie', cookie]] }));
    assert.deepEqual(outcome(answer), [200, 'CORP\\alice']);
    assert.equal(given(answer, 'set-cookie', 'client').length, 2);
    const cookies = answer.okResponse?.responseHeadersToAdd.filter(({ header }) => header.key === 'Set-Cookie');
    assert.deepEqual(
      cookies?.map(({ appendAction }) => appendAction),
      [0, 0],
    );
  });

  test('is closed to everybody but the proxies that may ask', async (t) => {
    for (const settings of [
      byGrpc().replace('[127.0.0.1]', '[127.0.0.2]'),
      byGrpc().replace('proxy: envoy', 'proxy: envoy, from: [127.0.0.1]').replace('[127.0.0.1]', '[127.0.0.2]'),
      byGrpc().replace('proxy: envoy', 'proxy: envoy, from: [127.0.0.2]').replace('[127.0.0.1]', '[127.0.0.0/8]'),
    ]) {
      const gateway = await start(settings);
      t.after(() => gateway.close());
      const [host = '', port] = addressOf(gateway).split(':');
      const socket = connect(Number(port), host);
      socket.on('error', () => {});
      await once(socket, 'close');
      assert.equal(socket.bytesRead, 0);
      assert.match((await send(`${gateway.admin}/metrics`)).body, /refusals_total\{reason="forward-auth-peer"\} 1/);
    }
  });

  test('is answered by every thread, with TLS and certificates of both sides where they are configured', async (t) => {
    const gateway = await start(byGrpc(', tls: { cert: grpc.pem, key: grpc.key, client_ca: ca.pem }'), 2);
    t.after(() => gateway.close());
    const cookie = await signIn(gateway.origin, 'alice');
    const [ca, key, cert] = [pem('gateway.pem'), pem('gateway.key'), pem('wiki.pem')].map((text) => Buffer.from(text));
    const check = { checkServerIdentity: () => undefined };
    const mutual = credentials.createSsl(ca ?? null, key ?? null, cert ?? null, check);
    const asking = question('/', { fields: [['cookie', cookie]] });
    for (let i = 0; i < 8; i++) {
      const envoy = envoyLike(addressOf(gateway), mutual);
      assert.deepEqual(outcome(await envoy.ask(asking)), [200, 'CORP\\alice']);
      envoy.close();
    }
    const oneSided = envoyLike(addressOf(gateway), credentials.createSsl(ca ?? null, null, null, check));
    t.after(() => oneSided.close());
    await assert.rejects(oneSided.ask(asking), /UNAVAILABLE/);
  });

  test('is listened to by each thread: when one has died, the others answer, and it itself when it is back', async (t) => {
    const gateway = await startThreads(2, await surroundingsOf(byGrpc()));
    t.after(() => gateway.close());
    for (const place of [0, 1]) {
      kill(place, 'exit');
      await until(async () => (await metric(gateway, 'cardea_thread_deaths_total')) === place + 1, 'a death', 30_000);
      await until(async () => (await metric(gateway, 'cardea_threads')) === 2, 'all threads to serve', 30_000);
      for (let i = 0; i < 8; i++) {
        const envoy = envoyLike(addressOf(gateway));
        assert.deepEqual(outcome(await envoy.ask(question('/health'))), [200, undefined]);
        envoy.close();
      }
    }
  });

  test('shows a renewed certificate to new connections, without a restart', async (t) => {
    const gateway = await start(byGrpc(', tls: { cert: grpc.pem, key: grpc.key }'));
    t.after(() => gateway.close());
    const served = async (ca: string): Promise<boolean> => {
      const options = { checkServerIdentity: () => undefined };
      const envoy = envoyLike(addressOf(gateway), credentials.createSsl(Buffer.from(pem(ca)), null, null, options));
      try {
        return outcome(await envoy.ask(question('/health')))[0] === 200;
      } catch {
        return false;
      } finally {
        envoy.close();
      }
    };
    assert.deepEqual([await served('gateway.pem'), await served('wiki.pem')], [true, false]);
    writeFileSync(join(gateway.folder, 'next'), pem('wiki.pem'));
    renameSync(join(gateway.folder, 'next'), join(gateway.folder, 'grpc.pem'));
    await until(() => served('wiki.pem'), 'the renewed certificate', 30_000);
    assert.equal(await served('gateway.pem'), false);
  });
});
