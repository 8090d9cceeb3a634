/** The development identity by way of the whole gateway: for this machine alone, and seen by everybody. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, test } from 'node:test';
import {
  cardea,
  openSocketWith,
  openStream,
  reasons,
  startWatched,
  userIn,
  visitorIn,
  type WatchedGateway,
} from './credentials.ts';
import { asBrowser, send, sessionOf, startTestGateway } from './harness.ts';

const config = (upstream: string): string => `
sign_in: [{ development: { account: "DEV\\\\me", name: Me, groups: [traders] } }]
apps:
  - name: desk
    host: 127.0.0.1
    upstream: "${upstream}"
    rules: [{ path: /reports/**, groups: [traders] }, { path: /upload, groups: [others] }, { path: /**, signed_in: true }]
`;

let gateway: WatchedGateway;
before(async () => void (gateway = await startWatched({ config })));
after(() => gateway.close());

const ask = (path: string, headers: Readonly<Record<string, string>> = {}, agent?: Agent) =>
  send(`${gateway.origin}${path}`, { headers, ...(agent === undefined ? {} : { agent }) });

test('everybody on this machine is the one person, on a request, an event stream and a WebSocket', async () => {
  assert.equal(userIn(await ask('/api/whoami')), 'DEV\\me');
  assert.equal((await ask('/reports/')).status, 200);
  const stream = await openStream(`${gateway.origin}/events`);
  stream.close();
  assert.equal(visitorIn(stream.first).user, 'DEV\\me');
  const upgrade = await openSocketWith(`${gateway.origin}/ws`, {});
  assert.equal(upgrade.kind === 'open' && upgrade.visitor.user, 'DEV\\me');
  if (upgrade.kind === 'open') upgrade.socket.terminate();
  const agent = new Agent({ localAddress: '127.0.0.2' });
  assert.equal(userIn(await ask('/api/whoami', {}, agent)), 'DEV\\me');
  agent.destroy();
});

test('a session begins, as with other methods', async () => {
  const cookie = sessionOf(await ask('/', asBrowser));
  const again = await ask('/api/whoami', { Cookie: cookie });
  assert.deepEqual([userIn(again), sessionOf(again)], ['DEV\\me', '']);
});

for (const [name, value] of [
  ['X-Forwarded-For', '127.0.0.1'],
  ['Forwarded', 'for=127.0.0.1'],
  ['X-Real-IP', '10.0.0.1'],
  ['Via', '1.1 tunnel'],
] as const)
  test(`whatever a proxy has passed on is refused (${name})`, async () => {
    const from = gateway.audit('sign-in-failed').length;
    assert.equal((await ask('/api/whoami', { [name]: value })).status, 401);
    assert.deepEqual(reasons(gateway, 'sign-in-failed', from), ['development-not-local']);
  });

test('a page of another site whose name leads to this machine gets nothing', async () => {
  assert.equal((await ask('/api/whoami', { Host: 'rebound.evil.example' })).status, 404);
});

test('it says so in the log at the start, in the audit log at each sign-in, and on our pages', async () => {
  assert.match(gateway.written(), /"level":40[^\n]*DEVELOPMENT IDENTITY/);
  for (const { note } of gateway.audit('sign-in')) assert.match(String(note), /DEVELOPMENT IDENTITY/);
  const refused = await send(`${gateway.origin}/upload`, { headers: asBrowser });
  assert.equal(refused.status, 403);
  assert.match(refused.body, /DEVELOPMENT IDENTITY/);
});

test('cardea check says so, and refuses it for production', async () => {
  assert.match(await cardea(gateway.folder, 'check'), /without any proof/);
  await assert.rejects(cardea(gateway.folder, 'check', '--production'), /^Error: cardea check --production: 1 /);
});

for (const [what, options] of [
  ['on an address that others can reach', { listen: '{ address: "0.0.0.0:0", dangerously_plain_http: true }' }],
  ['for any host', { config: (upstream: string) => config(upstream).replace('host: 127.0.0.1', 'host: "*"') }],
  ['behind a proxy', { config: (upstream: string) => `trusted_proxies: [10.0.0.0/8]\n${config(upstream)}` }],
] as const)
  test(`it does not start ${what}`, async () => {
    await assert.rejects(startTestGateway({ config, ...options }), /development identity/);
  });
