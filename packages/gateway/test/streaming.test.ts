import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { send, signIn, startTestGateway, type TestGateway, until, usersFile } from './harness.ts';

let gateway: TestGateway;
let cookie: string;

before(async () => {
  gateway = await startTestGateway({
    files: { 'users.yaml': await usersFile({ alice: ['team-ai'] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
  });
  cookie = await signIn(gateway.origin, 'alice');
});
after(() => gateway.close());

const linesOfLeaving = (path: string): number =>
  gateway
    .written()
    .split('\n')
    .filter((line) => line.includes(`"path":"${path}"`) && /client left before/i.test(line)).length;

test('an event stream arrives event by event, with the identity of its request', async () => {
  const response = await fetch(`${gateway.origin}/events`, {
    headers: { Cookie: cookie, Accept: 'text/event-stream' },
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const first = await reader?.read();
  assert.match(first?.value ?? '', /^event: visitor\ndata: \{"user":"CORP\\\\alice"/);
  const second = await reader?.read();
  assert.match(second?.value ?? '', /^event: time\n/); // the stream has not ended: nothing waits for its end
  await reader?.cancel();
});

test('an upload of 20 MB arrives whole, and its answer comes back', async () => {
  const body = randomBytes(20 * 1024 * 1024);
  const response = await send(`${gateway.origin}/upload`, { method: 'POST', headers: { Cookie: cookie }, body });
  assert.deepEqual(JSON.parse(response.body), {
    bytes: body.length,
    sha256: createHash('sha256').update(body).digest('hex'),
  });
});

test('a client that leaves in the middle of an upload leaves one line in the log and no connection behind', async () => {
  const upload = request(`${gateway.origin}/upload`, {
    method: 'PUT',
    headers: { Cookie: cookie, 'Content-Length': 1_000_000 },
  });
  upload.on('error', () => {});
  upload.write(Buffer.alloc(1_000));
  await until(async () => (await gateway.gateway.connections()).upstreamBusy === 1, 'the upload to reach the app');
  upload.destroy();
  await until(
    async () => (await gateway.gateway.connections()).upstreamBusy === 0,
    'the end of the connection to the app',
  );
  await until(() => linesOfLeaving('/upload') > 0, 'the line in the log');
  assert.equal(linesOfLeaving('/upload'), 1);
});

test('a client that leaves in the middle of a stream leaves one line in the log and no connection behind', async () => {
  await until(async () => (await gateway.gateway.connections()).upstreamBusy === 0, 'the end of the test before');
  const before = linesOfLeaving('/events');
  const stream = await fetch(`${gateway.origin}/events`, { headers: { Cookie: cookie } });
  await until(async () => (await gateway.gateway.connections()).upstreamBusy === 1, 'the stream to reach the app');
  await stream.body?.cancel();
  await until(
    async () => (await gateway.gateway.connections()).upstreamBusy === 0,
    'the end of the connection to the app',
  );
  await until(() => linesOfLeaving('/events') > before, 'the line in the log');
  assert.equal(linesOfLeaving('/events'), before + 1);
});
