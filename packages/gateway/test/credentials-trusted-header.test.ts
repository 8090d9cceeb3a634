/** A header of a proxy in front by way of the whole gateway: believed from the proxy, and from nobody else. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, suite, test } from 'node:test';
import {
  openSocketWith,
  openStream,
  reasons,
  startWatched,
  userIn,
  visitorIn,
  type WatchedGateway,
} from './credentials.ts';
import { asBrowser, send, sessionOf, type TestResponse, until } from './harness.ts';
import { cardeaSessions } from './revocations.ts';

/** The proxy's own address; the tests' other connections come from 127.0.0.1. */
const proxyAddress = '127.0.0.2';
const proxy = new Agent({ localAddress: proxyAddress });
after(() => proxy.destroy());

suite('without a session', () => {
  let gateway: WatchedGateway;
  const secret = 'proxy-secret-0123456789';
  before(async () => {
    gateway = await startWatched({
      files: { 'proxy-secret': secret },
      config: (upstream) => `
trusted_proxies: [127.0.0.1/32]
sign_in:
  - trusted_header:
      from: [${proxyAddress}/32]
      default_domain: CORP
      domains: { corp.example: CORP }
  - trusted_header:
      id: partner
      from: [127.0.0.3/32]
      header: X-Partner-User
      encoding: percent
      secret: { header: X-Partner-Proof, value: "\${file:./proxy-secret}" }
apps:
  - name: desk
    host: 127.0.0.1
    upstream: "${upstream}"
    headers: { user: X-Remote-User }
    rules: [{ path: /app.css, public: true }, { path: /**, signed_in: true }]
`,
    });
  });
  after(() => gateway.close());

  const ask = (path: string, headers: Readonly<Record<string, string>>, agent?: Agent): Promise<TestResponse> =>
    send(`${gateway.origin}${path}`, { headers, ...(agent === undefined ? {} : { agent }) });
  /** What the app got as the user, each time that it got one. */
  const users = async (headers: Readonly<Record<string, string>>, agent?: Agent): Promise<readonly string[]> => {
    const { status, body } = await ask('/headers', headers, agent);
    if (status !== 200) return [String(status)];
    const fields: readonly (readonly [string, string])[] = JSON.parse(body);
    return fields.filter(([name]) => /remote.user|partner/i.test(name)).map(([, value]) => value);
  };

  for (const [sent, account] of [
    ['CORP\\alice', 'CORP\\alice'],
    ['alice', 'CORP\\alice'],
    ['alice@corp.example', 'CORP\\alice'],
    ['OTHER\\bob', 'OTHER\\bob'],
  ] as const)
    test(`the proxy's "${sent}" reaches the app once, as ${account}`, async () => {
      assert.deepEqual(await users({ 'X-Remote-User': sent }, proxy), [account]);
    });

  test('an event stream and a WebSocket are known as well', async () => {
    const headers = { 'X-Remote-User': 'CORP\\alice' };
    gateway.forget();
    const stream = await openStream(`${gateway.origin}/events`, headers, proxy);
    stream.close();
    assert.equal(stream.status, 200);
    const upgrade = await openSocketWith(`${gateway.origin}/ws`, { headers, localAddress: proxyAddress });
    assert.ok(upgrade.kind === 'open');
    upgrade.socket.terminate();
    assert.equal(gateway.received().match(/X-Remote-User: CORP\\alice\r\n/g)?.length, 2);
  });

  test('from anybody else the header is removed, whatever address they say that they have', async () => {
    assert.deepEqual(await users({ 'X-Remote-User': 'CORP\\alice' }), ['401']);
    // A proxy that may speak for addresses does not thereby speak for people.
    assert.deepEqual(await users({ 'X-Remote-User': 'CORP\\alice', 'X-Forwarded-For': proxyAddress }), ['401']);
    gateway.forget();
    assert.equal((await ask('/app.css', { 'X-Remote-User': 'CORP\\root', 'X-Partner-User': 'root' })).status, 200);
    assert.doesNotMatch(gateway.received(), /root/);
  });

  for (const [what, headers] of [
    ['comes twice', ['X-Remote-User', 'CORP\\alice', 'X-Remote-User', 'CORP\\root']],
    ['comes in a spelling of its own as well', ['X-Remote-User', 'CORP\\alice', 'X_Remote_User', 'CORP\\root']],
    ['names nobody in a form that is known', ['X-Remote-User', 'CORP\\alice\\root']],
  ] as const)
    test(`a header that ${what} is refused`, async () => {
      const host = new URL(gateway.origin).host;
      const options = { headers: ['Host', host, ...headers], agent: proxy };
      assert.equal((await send(`${gateway.origin}/api/whoami`, options)).status, 401);
      assert.match(reasons(gateway, 'sign-in-failed').at(-1) ?? '', /^trusted-header-(?:repeated|unreadable)$/);
    });

  test('without the header, or with an empty one, nobody is there', async () => {
    assert.equal((await ask('/api/whoami', {}, proxy)).status, 401);
    assert.equal((await ask('/api/whoami', { 'X-Remote-User': '' }, proxy)).status, 401);
  });

  test('a person gets a page and no way round in circles', async () => {
    const { status, body } = await ask('/', asBrowser);
    assert.equal(status, 401);
    assert.match(body, /<!doctype html>/);
  });

  test('with a secret, the address alone is not enough, and neither header reaches the app', async () => {
    const partner = new Agent({ localAddress: '127.0.0.3' });
    const named = { 'X-Partner-User': 'CORP%5Cj%C3%BCrgen' };
    assert.deepEqual(await users(named, partner), ['401']);
    assert.deepEqual(await users({ ...named, 'X-Partner-Proof': 'guess' }, partner), ['401']);
    assert.deepEqual(reasons(gateway, 'sign-in-failed').slice(-2), ['trusted-header-secret', 'trusted-header-secret']);
    assert.deepEqual(await users({ ...named, 'X-Partner-Proof': secret }, partner), ['CORP\\j%C3%BCrgen']);
    assert.deepEqual(await users({ ...named, 'X-Partner-Proof': secret }), ['401']);
    partner.destroy();
  });

  test('signing the person out does not keep them out: the proxy says again who is there', async () => {
    await cardeaSessions(gateway.folder, 'revoke', '--user', 'CORP\\alice');
    const end = Date.now() + 1_000; // until every thread has heard of it
    do assert.deepEqual(await users({ 'X-Remote-User': 'CORP\\alice' }, proxy), ['CORP\\alice']);
    while (Date.now() < end);
  });

  test('no session begins, and the audit log has one sign-in for each person', () => {
    const events = gateway.audit('sign-in').filter(({ account }) => account === 'CORP\\alice');
    assert.deepEqual(
      events.map(({ method, address }) => [method, address]),
      [['trusted_header', proxyAddress]],
    );
  });

  test("the proxy's secret can be read nowhere", async () => {
    assert.match(gateway.written(), /alice/);
    assert.deepEqual(await gateway.leaks([secret]), []);
  });
});

suite('with a session', () => {
  let gateway: WatchedGateway;
  before(async () => {
    gateway = await startWatched({
      config: (upstream) => `
sign_in: [{ trusted_header: { id: iis, from: [${proxyAddress}/32], session: true } }]
apps:
  - name: desk
    host: 127.0.0.1
    upstream: "${upstream}"
    csrf: true
    rules:
      - { path: /reports/**, credentials: [session] }
      - { path: /headers, credentials: [session, trusted_header] }
      - { path: /**, signed_in: true }
`,
    });
  });
  after(() => gateway.close());

  const ask = (path: string, headers: Readonly<Record<string, string>>, agent?: Agent, method = 'GET') =>
    send(`${gateway.origin}${path}`, { method, headers, ...(agent === undefined ? {} : { agent }) });
  const as = (name: string, cookie?: string): Readonly<Record<string, string>> => ({
    'X-Remote-User': `CORP\\${name}`,
    ...(cookie === undefined ? {} : { Cookie: cookie }),
  });
  const signIns = (name: string): number =>
    gateway.audit('sign-in').filter(({ account }) => account === `CORP\\${name}`).length;

  test('the first request with the header begins a session, which goes on where the header is missing', async () => {
    const first = await ask('/api/whoami', as('alice'), proxy);
    const cookie = sessionOf(first);
    assert.deepEqual([userIn(first), cookie !== ''], ['CORP\\alice', true]);
    assert.equal(userIn(await ask('/api/whoami', { Cookie: cookie }, proxy)), 'CORP\\alice');
    assert.equal(userIn(await ask('/api/whoami', { Cookie: cookie })), 'CORP\\alice');
    assert.equal(signIns('alice'), 1);
  });

  test('the same person goes on with the session that there is', async () => {
    const cookie = sessionOf(await ask('/api/whoami', as('carol'), proxy));
    const again = await ask('/api/whoami', as('carol', cookie), proxy);
    assert.deepEqual([userIn(again), sessionOf(again), signIns('carol')], ['CORP\\carol', '', 1]);
  });

  test('when the header names somebody else, another session begins and the first one ends', async () => {
    const cookie = sessionOf(await ask('/api/whoami', as('dave'), proxy));
    const other = await ask('/api/whoami', as('erin', cookie), proxy);
    assert.equal(userIn(other), 'CORP\\erin');
    assert.notEqual(sessionOf(other), '');
    await until(async () => (await ask('/api/whoami', { Cookie: cookie })).status === 401, 'the first session to end');
    assert.equal(userIn(await ask('/api/whoami', { Cookie: sessionOf(other) })), 'CORP\\erin');
  });

  test('an upgrade begins one as well, and an event stream', async () => {
    const upgrade = await openSocketWith(`${gateway.origin}/ws`, { headers: as('frank'), localAddress: proxyAddress });
    assert.equal(upgrade.kind === 'open' && upgrade.visitor.user, 'CORP\\frank');
    if (upgrade.kind === 'open') upgrade.socket.terminate();
    const stream = await openStream(`${gateway.origin}/events`, as('frank'), proxy);
    stream.close();
    assert.equal(visitorIn(stream.first).user, 'CORP\\frank');
    assert.match(String(stream.headers['set-cookie']), /^cardea=/);
  });

  test('both are shown at once: the session, and the header where it is there', async () => {
    const first = await ask('/headers', as('grace'), proxy);
    assert.equal(first.status, 200);
    const cookie = sessionOf(first);
    assert.equal((await ask('/reports/', { Cookie: cookie })).status, 200);
    assert.equal((await ask('/headers', { Cookie: cookie })).status, 403);
    assert.equal((await ask('/headers', as('grace', cookie), proxy)).status, 200);
  });

  test('a request that changes something needs the token of the session, also by way of the proxy', async () => {
    const cookie = sessionOf(await ask('/api/whoami', as('heidi'), proxy));
    assert.equal((await ask('/upload', as('heidi', cookie), proxy, 'POST')).status, 403);
    const { csrf_token: token } = JSON.parse((await ask('/auth/me', as('heidi', cookie), proxy)).body);
    const headers = { ...as('heidi', cookie), 'X-CSRF-Token': String(token) };
    assert.equal((await ask('/upload', headers, proxy, 'POST')).status, 200);
  });

  test('from anybody else the header begins nothing', async () => {
    const response = await ask('/api/whoami', as('mallory'));
    assert.deepEqual([response.status, sessionOf(response)], [401, '']);
  });
});
