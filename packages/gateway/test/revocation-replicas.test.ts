/** Two gateways with the same keys and one Redis, as a load balancer has them behind it: a session is one session in both. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { encodeKeytab } from '@cardea/kerberos';
import { createAccount, issueTicket, makeRequest } from '../../kerberos/test/initiator.ts';
import { type CardeaProcess, startCardea } from './cardea-process.ts';
import { send, signIn, signOut, startTestGateway, type TestGateway, usersFile } from './harness.ts';
import { noRedis, startRedis, type TestRedis } from './redis.ts';
import { folderWithKeysOf } from './replicas.ts';
import { cardeaSessions, listed, longest, timesToEnd, whoami } from './revocations.ts';

const soonMs = 1_000;
const account = createAccount();

for (const mode of ['cookie', 'redis'] as const)
  suite(`two replicas with session.store ${mode}`, { skip: noRedis }, () => {
    let redis: TestRedis;
    let first: TestGateway;
    let second: TestGateway;
    let both: readonly TestGateway[];

    const start = async (folder?: string): Promise<TestGateway> =>
      startTestGateway({
        ...(folder === undefined ? {} : { folder }),
        files: {
          'http.keytab': encodeKeytab(account.entries),
          'users.yaml': await usersFile({ alice: [], bob: [] }),
        },
        config: (upstream) => `
sign_in: [{ negotiate: { keytab: http.keytab } }, { password: { users: users.yaml } }]
session: { store: ${mode} }
redis: { url: "${redis.url}" }
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
      });
    const askBoth = (cookie: string) => both.map(({ origin }) => whoami(origin, cookie));
    const statuses = async (cookie: string): Promise<readonly number[]> =>
      Promise.all(askBoth(cookie).map(async (ask) => (await ask()).status));

    before(async () => {
      redis = await startRedis();
      first = await start();
      second = await start(folderWithKeysOf(first.folder));
      both = [first, second];
    });
    after(async () => {
      await first.close();
      await second.close();
      rmSync(second.folder, { recursive: true, force: true });
      await redis.close();
    });

    test('revoking a person beside one of them ends her requests to both within a second', async (t) => {
      const bob = await signIn(first.origin, 'bob');
      const cookies = [await signIn(first.origin, 'alice'), await signIn(second.origin, 'alice')];
      for (const cookie of [...cookies, bob]) assert.deepEqual(await statuses(cookie), [200, 200]);
      await cardeaSessions(first.folder, 'revoke', '--user', 'alice');
      const began = performance.now();
      const times = await timesToEnd(began, cookies.flatMap(askBoth));
      t.diagnostic(`${mode}: a person, two replicas: ${longest(times)}`);
      assert.ok(Math.max(...times) < soonMs, longest(times));
      assert.deepEqual(await statuses(bob), [200, 200]);
    });

    test('whoever was revoked beside one of them can sign in again at once at the other, and stays', async () => {
      await signIn(first.origin, 'alice');
      await cardeaSessions(first.folder, 'revoke', '--user', 'alice');
      const again = await signIn(second.origin, 'alice');
      const end = performance.now() + soonMs;
      do assert.deepEqual(await statuses(again), [200, 200]);
      while (performance.now() < end);
    });

    test('signing out at one of them ends a copied cookie at the other', async (t) => {
      const cookie = await signIn(first.origin, 'alice');
      assert.deepEqual(await statuses(cookie), [200, 200]);
      const began = performance.now();
      await signOut(first.origin, cookie);
      const times = await timesToEnd(began, askBoth(cookie));
      t.diagnostic(`${mode}: sign-out, two replicas: ${longest(times)}`);
      assert.ok(Math.max(...times) < soonMs, longest(times));
    });

    test('one list shows who is signed in to either', async () => {
      await cardeaSessions(first.folder, 'revoke', '--all', '--yes');
      await signIn(first.origin, 'alice');
      await signIn(second.origin, 'bob');
      assert.deepEqual(
        (await listed(second.folder)).map((one) => one.account),
        ['CORP\\bob', 'CORP\\alice'],
      );
    });

    test('a Kerberos token that one of them has taken is refused by the other', async () => {
      const now = Date.now();
      const { token } = makeRequest(issueTicket(account, now), now);
      const headers = { Authorization: `Negotiate ${Buffer.from(token).toString('base64')}` };
      const ask = async ({ origin }: TestGateway) => (await send(`${origin}/api/whoami`, { headers })).status;
      assert.deepEqual([await ask(first), await ask(second)], [200, 401]);
    });
  });

suite('processes of their own', { skip: noRedis }, () => {
  let redis: TestRedis;
  let gateway: TestGateway;
  let replicas: readonly CardeaProcess[];

  before(async () => {
    redis = await startRedis();
    const users = await usersFile({ alice: [], bob: [] });
    const config = (upstream: string): string => `
sign_in: [{ password: { users: users.yaml } }]
redis: { url: "${redis.url}" }
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`;
    // For its sample app and its keys.
    gateway = await startTestGateway({ files: { 'users.yaml': users }, config });
    const files = {
      'users.yaml': users,
      'state/keys.json': readFileSync(join(gateway.folder, 'state/keys.json'), 'utf8'),
    };
    const text = `threads: 2\n${config(gateway.sample.origin)}`;
    replicas = await Promise.all([startCardea(text, files), startCardea(text, files)]);
  });
  after(async () => {
    for (const replica of replicas) await replica.remove();
    await gateway.close();
    await redis.close();
  });

  test('a person is revoked in all threads of all of them within a second, and signs in again at once', async (t) => {
    const origins = replicas.map(({ origin }) => origin);
    const [alice, bob] = [await signIn(origins[0] ?? '', 'alice'), await signIn(origins[1] ?? '', 'bob')];
    // Connections of their own, which the system spreads over the threads.
    const asks = (cookie: string) =>
      origins.flatMap((origin) => Array.from({ length: 8 }, () => whoami(origin, cookie)));
    for (const ask of [...asks(alice), ...asks(bob)]) assert.equal((await ask()).status, 200);
    await cardeaSessions(gateway.folder, 'revoke', '--user', 'alice');
    const began = performance.now();
    const times = await timesToEnd(began, asks(alice));
    t.diagnostic(`a person, two processes of two threads: ${longest(times)}`);
    assert.ok(Math.max(...times) < soonMs, longest(times));
    const again = await signIn(origins[1] ?? '', 'alice');
    const end = performance.now() + soonMs;
    do for (const ask of [...asks(again), ...asks(bob)]) assert.equal((await ask()).status, 200);
    while (performance.now() < end);
  });
});
