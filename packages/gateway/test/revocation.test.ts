/** Ending sessions before their time, in every mode of keeping them: at once here, within a second on every other thread. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import { encodeKeytab } from '@cardea/kerberos';
import { createAccount, issueTicket, makeRequest } from '../../kerberos/test/initiator.ts';
import { asBrowser, send, sessionOf, signOut, startTestGateway, type TestGateway, usersFile } from './harness.ts';
import { noRedis, startRedis, type TestRedis } from './redis.ts';
import { cardeaSessions, listed, longest, type Probe, timesToEnd, whoami } from './revocations.ts';
import { type Line, linesToAll, signInBy } from './threads.ts';

const account = createAccount();
const threads = 2;
/** What issue 4 promises, from the moment when the command has said that it is done: reading the configuration is its own affair. */
const soonMs = 1_000;

function negotiateToken(): string {
  const now = Date.now();
  return `Negotiate ${Buffer.from(makeRequest(issueTicket(account, now), now).token).toString('base64')}`;
}

for (const mode of ['cookie', 'sqlite', 'redis'] as const)
  suite(`with session.store ${mode}`, { skip: mode === 'redis' && noRedis }, () => {
    let redis: TestRedis | undefined;
    let gateway: TestGateway;
    let lines: readonly Line[];
    let bob: string;
    let bobs: readonly Probe[];

    /** The same request by each thread. */
    const byEach = (cookie: string): readonly Probe[] =>
      lines.map(({ agent }) => whoami(gateway.origin, cookie, { agent }));
    const statuses = async (probes: readonly Probe[]): Promise<readonly number[]> => {
      const found: number[] = [];
      for (const probe of probes) found.push((await probe()).status);
      return found;
    };

    before(async () => {
      if (mode === 'redis') redis = await startRedis();
      gateway = await startTestGateway({
        threads,
        files: {
          'http.keytab': encodeKeytab(account.entries),
          'users.yaml': await usersFile({ alice: ['team-ai'], bob: [] }),
        },
        config: (upstream) => `
sign_in: [{ negotiate: { keytab: http.keytab } }, { password: { users: users.yaml } }]
session: { store: ${mode} }
${redis === undefined ? '' : `redis: { url: "${redis.url}" }`}
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
      });
      lines = await linesToAll(gateway, threads);
    });
    after(async () => {
      for (const { agent } of lines) agent.destroy();
      await gateway.close();
      await redis?.close();
    });
    beforeEach(async () => {
      bob = await signInBy(gateway, lines[0], 'bob');
      bobs = byEach(bob);
      assert.deepEqual(await statuses(bobs), [200, 200]);
    });
    afterEach(async () => {
      await cardeaSessions(gateway.folder, 'revoke', '--user', 'bob');
    });

    test('revoking a person ends all her sessions in every thread within a second, and nobody else\u2019s', async (t) => {
      const cookies = [await signInBy(gateway, lines[0], 'alice'), await signInBy(gateway, lines[1], 'alice')];
      const probes = cookies.flatMap(byEach);
      assert.deepEqual(await statuses(probes), [200, 200, 200, 200]);
      assert.match(
        await cardeaSessions(gateway.folder, 'revoke', '--user', 'alice'),
        /alice is signed out \(2 sessions\)/,
      );
      const began = performance.now();
      const times = await timesToEnd(began, probes);
      t.diagnostic(`${mode}: a person, ${threads} threads: ${longest(times)}`);
      assert.ok(Math.max(...times) < soonMs, longest(times));
      assert.deepEqual(await statuses(bobs), [200, 200]);
    });

    test('whoever was revoked can sign in again at once, in any thread, and stays', async () => {
      for (const line of lines) {
        await signInBy(gateway, line, 'alice');
        await cardeaSessions(gateway.folder, 'revoke', '--user', 'alice');
        const again = await signInBy(gateway, line, 'alice');
        const end = performance.now() + soonMs;
        do assert.deepEqual(await statuses(byEach(again)), [200, 200]);
        while (performance.now() < end);
      }
    });

    test('revoking one session leaves the others of the same person', async (t) => {
      const [first, second] = [await signInBy(gateway, lines[0], 'alice'), await signInBy(gateway, lines[1], 'alice')];
      const [newest, oldest] = await listed(gateway.folder, '--user', 'alice');
      assert.ok(newest !== undefined && oldest !== undefined);
      const probes = byEach(second);
      await cardeaSessions(gateway.folder, 'revoke', '--id', newest.id);
      const began = performance.now();
      const times = await timesToEnd(began, probes);
      t.diagnostic(`${mode}: one session, ${threads} threads: ${longest(times)}`);
      assert.ok(Math.max(...times) < soonMs, longest(times));
      assert.deepEqual(await statuses([...byEach(first), ...bobs]), [200, 200, 200, 200]);
    });

    test('revoking everybody ends everything, and everybody may sign in again', async (t) => {
      const probes = [...byEach(await signInBy(gateway, lines[0], 'alice')), ...bobs];
      await cardeaSessions(gateway.folder, 'revoke', '--all', '--yes');
      const began = performance.now();
      const times = await timesToEnd(began, probes);
      t.diagnostic(`${mode}: everybody, ${threads} threads: ${longest(times)}`);
      assert.ok(Math.max(...times) < soonMs, longest(times));
      assert.deepEqual(await statuses(byEach(await signInBy(gateway, lines[1], 'alice'))), [200, 200]);
    });

    test('signing out ends a copied cookie as well: here at once, in every thread within a second', async (t) => {
      const cookie = await signInBy(gateway, lines[0], 'alice');
      assert.deepEqual(await statuses(byEach(cookie)), [200, 200]);
      const began = performance.now();
      assert.equal((await signOut(gateway.origin, cookie)).status, 200);
      const times = await timesToEnd(began, byEach(cookie));
      t.diagnostic(`${mode}: sign-out, ${threads} threads: ${longest(times)}`);
      assert.ok(Math.max(...times) < soonMs, longest(times));
      assert.deepEqual(await statuses(bobs), [200, 200]);
    });

    test('a revoked browser that signs on silently is in again with one token, and is not asked a second time', async () => {
      for (const { agent } of lines) {
        const ask = (headers: Readonly<Record<string, string>>) =>
          send(`${gateway.origin}/api/whoami`, { agent, headers: { ...asBrowser, ...headers } });
        const first = await ask({ Authorization: negotiateToken() });
        assert.equal(first.status, 200);
        const old = sessionOf(first);
        await cardeaSessions(gateway.folder, 'revoke', '--all', '--yes');
        await timesToEnd(performance.now(), [whoami(gateway.origin, old, { agent })]);
        const challenged = await ask({ Cookie: old });
        assert.deepEqual([challenged.status, challenged.headers['www-authenticate']], [401, 'Negotiate']);
        const again = await ask({ Cookie: old, Authorization: negotiateToken() });
        assert.equal(again.status, 200);
        const end = performance.now() + soonMs;
        do assert.deepEqual(await statuses(byEach(sessionOf(again))), [200, 200]);
        while (performance.now() < end);
      }
    });
  });
