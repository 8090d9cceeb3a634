/** Client certificates by way of the whole gateway, over TLS, with authorities of the tests' own. */
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { after, before, test } from 'node:test';
import { authorities } from '../../http1/test/authorities.ts';
import {
  openSocketWith,
  openStream,
  reasons,
  startWatched,
  userIn,
  visitorIn,
  type WatchedGateway,
} from './credentials.ts';
import { asBrowser, send, sessionOf, usersFile } from './harness.ts';

const { authority, issue, remove } = authorities();
const upn = (name: string): string => `otherName:1.3.6.1.4.1.311.20.2.3;UTF8:${name}`;
const forClients = (...names: readonly string[]): string =>
  `extendedKeyUsage=clientAuth${names.length === 0 ? '' : `\nsubjectAltName=${names.join(',')}`}`;

let gateway: WatchedGateway;
const agents = new Map<string, Agent>();
let alice: { readonly cert: string; readonly key: string };

before(async () => {
  const ours = authority('ours');
  authority('theirs');
  const server = issue('server', 'ours', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth');
  alice = issue('alice', 'ours', forClients(upn('alice@corp.example'), 'email:alice@corp.example'));
  const people = {
    alice,
    stranger: issue('stranger', 'theirs', forClients(upn('alice@corp.example'))),
    expired: issue('expired', 'ours', forClients(upn('alice@corp.example')), '-1'),
    twins: issue('twins', 'ours', forClients(upn('alice@corp.example'), upn('root@corp.example'))),
    nameless: issue('nameless', 'ours', forClients()),
    server: issue('impostor', 'ours', `extendedKeyUsage=serverAuth\nsubjectAltName=${upn('alice@corp.example')}`),
  };
  for (const [name, pair] of Object.entries(people)) agents.set(name, new Agent({ ...pair, keepAlive: true }));
  agents.set('nobody', new Agent({ keepAlive: true }));
  gateway = await startWatched({
    listen: '{ address: "127.0.0.1:0", tls: { cert: server.pem, key: server.key }, client_ca: ours.pem }',
    files: {
      'server.pem': server.cert,
      'server.key': server.key,
      'ours.pem': ours.cert,
      'users.yaml': await usersFile({ bob: [] }),
    },
    config: (upstream) => `
sign_in:
  - client_certificate: { domains: { corp.example: CORP } }
  - password: { users: users.yaml }
apps:
  - name: desk
    host: 127.0.0.1
    upstream: "${upstream}"
    csrf: true
    rules:
      - { path: /app.css, public: true }
      - { path: /reports/**, credentials: [client_certificate] }
      - { path: /**, signed_in: true }
`,
  });
});
after(async () => {
  for (const agent of agents.values()) agent.destroy();
  await gateway.close();
  remove();
});

const ask = (who: string, path = '/api/whoami', headers: Readonly<Record<string, string>> = {}, method = 'GET') => {
  const agent = agents.get(who);
  return send(`${gateway.origin}${path}`, { method, headers, ...(agent === undefined ? {} : { agent }) });
};

test('a certificate tells the app who asks, on a request, an event stream and a WebSocket', async () => {
  assert.equal(userIn(await ask('alice')), 'CORP\\alice');
  const options = { Accept: 'text/event-stream' };
  const stream = await openStream(
    `${gateway.origin}/events`,
    options,
    new Agent({ ...alice, rejectUnauthorized: false }),
  );
  stream.close();
  assert.equal(visitorIn(stream.first).user, 'CORP\\alice');
  const upgrade = await openSocketWith(`${gateway.origin}/ws`, { ...alice, rejectUnauthorized: false });
  assert.equal(upgrade.kind === 'open' && upgrade.visitor.user, 'CORP\\alice');
  if (upgrade.kind === 'open') upgrade.socket.terminate();
});

test('no session begins: each connection has its certificate', async () => {
  assert.equal(sessionOf(await ask('alice')), '');
});

for (const [who, reason] of [
  ['stranger', 'certificate-not-verified'],
  ['expired', 'certificate-not-verified'],
  ['server', 'certificate-not-verified'],
  ['twins', 'certificate-ambiguous'],
  ['nameless', 'certificate-without-name'],
] as const)
  test(`the certificate called "${who}" lets nobody in`, async () => {
    const from = gateway.audit('sign-in-failed').length;
    assert.equal((await ask(who)).status, 401);
    assert.deepEqual(reasons(gateway, 'sign-in-failed', from), [reason]);
    assert.equal((await ask(who, '/app.css')).status, 200, 'everybody is welcome there');
  });

test('without a certificate people sign in by other means, and a rule may ask for one all the same', async () => {
  assert.equal((await ask('nobody', '/', asBrowser)).headers.location, '/auth/login?return=%2F');
  const agent = agents.get('nobody');
  assert.ok(agent !== undefined);
  const form = await send(`${gateway.origin}/auth/login`, {
    agent,
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: 'name=bob&password=bob-password&return=/',
  });
  const cookie = sessionOf(form);
  assert.match(cookie, /^__Host-cardea=/);
  assert.equal(userIn(await ask('nobody', '/api/whoami', { Cookie: cookie })), 'CORP\\bob');
  assert.equal((await ask('nobody', '/reports/', { Cookie: cookie })).status, 403);
  assert.equal((await ask('alice', '/reports/')).status, 200);
  // Whose connection it is says more than whose cookie it bears.
  assert.equal(userIn(await ask('alice', '/api/whoami', { Cookie: cookie })), 'CORP\\alice');
});

test('a page of another site cannot use the certificate of a browser to change something', async () => {
  assert.equal((await ask('alice', '/upload', {}, 'POST')).status, 403);
  const { csrf_token: token } = JSON.parse((await ask('alice', '/auth/me')).body);
  assert.equal((await ask('alice', '/upload', { 'X-CSRF-Token': String(token) }, 'POST')).status, 200);
});

test('many requests are one sign-in in the audit log', async () => {
  for (let i = 0; i < 20; i++) await ask('alice');
  const events = gateway.audit('sign-in').filter(({ method }) => method === 'client_certificate');
  assert.deepEqual(
    events.map(({ account }) => account),
    ['CORP\\alice'],
  );
});
