/** Several threads on one port: they are one gateway in everything that a client, an app or an administrator can see. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { encodeKeytab } from '@cardea/kerberos';
import { createAccount, issueTicket, makeRequest } from '../../kerberos/test/initiator.ts';
import { openKeys, saveKeys } from '../src/stores/key-file.ts';
import { rotated } from '../src/tokens/key-ring.ts';
import { send, signIn, startTestGateway, type TestGateway, until, usersFile } from './harness.ts';
import {
  agentOf,
  connectionsByThread,
  fetchOnce,
  type Line,
  linesToAll,
  metric,
  passwordBy,
  signInBy,
} from './threads.ts';

const threads = 2;
const account = createAccount();
const alone = (upstream: string): string => `
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, public: true }] }]
`;

suite('a gateway with two threads', () => {
  let gateway: TestGateway;
  let lines: readonly Line[];
  let cookie: string;

  before(async () => {
    gateway = await startTestGateway({
      threads,
      files: {
        'http.keytab': encodeKeytab(account.entries),
        'users.yaml': await usersFile({ alice: ['team-ai'], bob: [] }),
      },
      config: (upstream) => `
sign_in: [{ negotiate: { keytab: http.keytab } }, { password: { users: users.yaml } }]
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
    });
    lines = await linesToAll(gateway, threads);
    cookie = await signIn(gateway.origin, 'alice');
  });
  after(async () => {
    for (const { agent } of lines) agent.destroy();
    await gateway.close();
  });

  /** The same request by each thread, one after the other. */
  async function byEach(path: string, headers: Readonly<Record<string, string>>) {
    const responses = [];
    for (const { agent } of lines) responses.push(await send(`${gateway.origin}${path}`, { agent, headers }));
    return responses;
  }

  test('takes connections in all of them', async () => {
    const visits = await Promise.all(Array.from({ length: 100 }, () => fetchOnce(gateway.origin)));
    const shares = await connectionsByThread(gateway, threads);
    for (const { close } of visits) close();
    // Two of a hundred by chance is far less likely than this machine failing.
    for (const share of shares) assert.ok(share > 10, `connections by thread: ${shares.join(', ')}`);
  });

  test('knows a session in each thread, whichever has begun it', async () => {
    for (const { status, body } of await byEach('/api/whoami', { Cookie: cookie }))
      assert.deepEqual([status, JSON.parse(body).user], [200, 'CORP\\alice']);
  });

  test('refuses a Kerberos token in one thread that another one has taken', async () => {
    const now = Date.now();
    const { token } = makeRequest(issueTicket(account, now), now);
    const responses = await byEach('/api/whoami', {
      Authorization: `Negotiate ${Buffer.from(token).toString('base64')}`,
    });
    assert.deepEqual(
      responses.map(({ status }) => status),
      [200, 401],
    );
    await until(() => gateway.audit('sign-in-failed').at(-1)?.['reason'] === 'replay', 'the refusal in the audit log');
  });

  test('takes a Kerberos token once, however many threads get it at the same moment', async () => {
    for (let round = 0; round < 10; round++) {
      const now = Date.now();
      const { token } = makeRequest(issueTicket(account, now), now);
      const headers = { Authorization: `Negotiate ${Buffer.from(token).toString('base64')}` };
      const responses = await Promise.all(
        lines.map(({ agent }) => send(`${gateway.origin}/api/whoami`, { agent, headers })),
      );
      assert.deepEqual(
        responses.map(({ status }) => status).toSorted((a, b) => a - b),
        [200, 401],
      );
    }
  });

  test('opens a session in a thread that has not heard of its key yet', async () => {
    const state = join(gateway.folder, 'state');
    const keys = rotated(openKeys(state, Date.now()), Date.now(), 86_400_000);
    // As another gateway on the same state would do it: nobody tells this one.
    saveKeys(state, keys);
    const published = await send(`${gateway.origin}/.well-known/jwks.json`, { agent: agentOf(lines[0]) });
    assert.ok(published.body.includes(String(keys[0]?.id)), 'the first thread has read the file again');
    const [first, second] = lines;
    const session = await signInBy(gateway, first, 'alice');
    const response = await send(`${gateway.origin}/api/whoami`, {
      agent: agentOf(second),
      headers: { Cookie: session },
    });
    assert.deepEqual([response.status, response.headers['set-cookie']], [200, undefined]);
  });

  test('counts wrong passwords together', async () => {
    const outcomes: number[] = [];
    for (let i = 0; i < 12; i++) {
      const { status } = await passwordBy(gateway, lines[i % threads], 'bob', 'a guess');
      outcomes.push(status);
    }
    assert.deepEqual(outcomes, [...Array.from({ length: 10 }, () => 403), 429, 429]);
  });

  test('has one set of metrics', async () => {
    const line = 'cardea_requests_total{app="sample",outcome="complete"}';
    const before = await metric(gateway, line);
    await byEach('/api/whoami', { Cookie: cookie });
    await until(async () => (await metric(gateway, line)) === before + threads, 'both requests in the metrics');
  });

  test('says that all threads serve', async () => {
    const { body } = await send(`${gateway.admin}/readyz`);
    assert.deepEqual(JSON.parse(body), {
      status: 'ready',
      checks: { database: 'ok', revocations: 'ok', threads: 'ok' },
    });
    assert.equal(await metric(gateway, 'cardea_threads'), threads);
  });

  test('tells the connections of all threads', async () => {
    const { open } = await gateway.gateway.connections();
    assert.ok(open >= threads);
  });
});

test('a new key seals in all threads once the main thread has made it', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: Date.now() });
  const gateway = await startTestGateway({
    threads,
    files: { 'users.yaml': await usersFile({ alice: [] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
session: { key_rotation: 1h }
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
  });
  const lines = await linesToAll(gateway, threads);
  const keyIds = async (): Promise<readonly string[]> => {
    const cookies = await Promise.all(lines.map((line) => signInBy(gateway, line, 'alice')));
    return cookies.map((cookie) => Buffer.from(cookie.replace(/^.*=/, ''), 'base64url').toString('hex', 1, 5));
  };
  const [before] = await keyIds();
  assert.deepEqual(await keyIds(), [before, before]);
  t.mock.timers.tick(3_600_000);
  await until(async () => !(await keyIds()).includes(String(before)), 'the new key in all threads');
  assert.equal(new Set(await keyIds()).size, 1);
  for (const { agent } of lines) agent.destroy();
  await gateway.close();
});

test('connections per address are counted over all threads', async () => {
  const gateway = await startTestGateway({
    threads,
    config: (upstream) => `${alone(upstream)}limits: { connections_per_address: 10 }\n`,
  });
  const outcomes = await Promise.all(Array.from({ length: 30 }, () => fetchOnce(gateway.origin)));
  assert.equal(outcomes.filter(({ status }) => status !== undefined).length, 10);
  for (const { close } of outcomes) close();
  await until(async () => (await gateway.gateway.connections()).open === 0, 'the end of the connections');
  const again = await fetchOnce(gateway.origin);
  assert.notEqual(again.status, undefined);
  again.close();
  await gateway.close();
});

test('one thread serves where threads cannot share a port, and the log says so', async () => {
  const gateway = await startTestGateway({
    threads: 4,
    surroundings: { canSharePorts: async () => false },
    config: alone,
  });
  assert.equal(gateway.gateway.threads, 1);
  assert.equal((await send(`${gateway.origin}/api/whoami`)).status, 200);
  assert.match(gateway.written(), /"wanted":4,"msg":"Threads cannot share a port on this system: one thread serves"/);
  await gateway.close();
});

for (const reusePort of [false, true])
  test(`the start fails when the port is taken${reusePort ? ' by somebody who would share it' : ''}`, async (t) => {
    const other = createServer();
    t.after(() => other.close());
    await new Promise<void>((resolve) => other.listen({ host: '127.0.0.1', port: 0, reusePort }, resolve));
    const address = other.address();
    assert.ok(typeof address === 'object' && address !== null);
    const listen = `{ address: "127.0.0.1:${address.port}" }`;
    await assert.rejects(startTestGateway({ threads, listen, config: alone }), {
      code: 'EADDRINUSE',
      syscall: 'listen',
    });
  });
