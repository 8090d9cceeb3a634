import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openSocket, send, signIn, startTestGateway, type TestGateway, until, usersFile } from './harness.ts';

let gateway: TestGateway;
let cookie: string;

before(async () => {
  gateway = await startTestGateway({
    files: { 'users.yaml': await usersFile({ alice: [] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
apps:
  - name: sample
    host: "*"
    upstream: ${upstream}
    allowed_origins: ["https://friend.corp.example"]
    rules: [{ path: /**, signed_in: true }]
`,
  });
  cookie = await signIn(gateway.origin, 'alice');
});
after(() => gateway.close());

const upload = (headers: Readonly<Record<string, string>>) =>
  send(`${gateway.origin}/upload`, { method: 'POST', body: 'x', headers: { Cookie: cookie, ...headers } });

test("another site's page cannot open a WebSocket with this person's session", async () => {
  const handshake = await openSocket(`${gateway.origin}/ws`, { Cookie: cookie, Origin: 'https://evil.example' });
  assert.equal(handshake.kind === 'refused' && handshake.status, 403);
});

test('a page of the app itself can open a WebSocket', async () => {
  const handshake = await openSocket(`${gateway.origin}/ws`, { Cookie: cookie, Origin: gateway.origin });
  assert.equal(handshake.kind, 'open');
  if (handshake.kind === 'open') handshake.socket.terminate();
});

test('a page of a site that the configuration allows can open a WebSocket', async () => {
  const handshake = await openSocket(`${gateway.origin}/ws`, { Cookie: cookie, Origin: 'https://friend.corp.example' });
  assert.equal(handshake.kind, 'open');
  if (handshake.kind === 'open') handshake.socket.terminate();
});

test("another site's page cannot post", async () => {
  assert.equal((await upload({ Origin: 'https://evil.example' })).status, 403);
  assert.equal((await upload({ Origin: 'null' })).status, 403);
  assert.equal((await upload({ 'Sec-Fetch-Site': 'cross-site' })).status, 403);
});

test('the app itself, and programs that are no browser, can post', async () => {
  assert.equal((await upload({ Origin: gateway.origin })).status, 200);
  assert.equal((await upload({})).status, 200);
});

test('the refusal is in the audit log with its reason', async () => {
  const before = gateway.audit('refused').length;
  await upload({ Origin: 'https://evil.example' });
  await until(() => gateway.audit('refused').length > before, 'the refusal in the audit log');
  const [refused, ...more] = gateway.audit('refused').slice(before);
  assert.deepEqual([refused?.['path'], refused?.['reason'], more.length], ['/upload', 'origin-not-allowed', 0]);
});
