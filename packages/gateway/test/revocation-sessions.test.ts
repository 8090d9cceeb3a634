/** What a session is from its beginning to its end: new at each sign-in, listed, too large for a cookie, and gone when it has ended. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { encodeKeytab } from '@cardea/kerberos';
import { createAccount, issueTicket, makeRequest } from '../../kerberos/test/initiator.ts';
import { openKeys, saveKeys } from '../src/stores/key-file.ts';
import { rotated } from '../src/tokens/key-ring.ts';
import {
  asBrowser,
  send,
  sessionOf,
  signIn,
  signOut,
  startTestGateway,
  type TestGateway,
  usersFile,
} from './harness.ts';
import { cardeaSessions, listed, longest, timesToEnd, whoami } from './revocations.ts';
import { agentOf, linesToAll, signInBy } from './threads.ts';

const account = createAccount();
const minute = 60_000;
const hour = 60 * minute;
/** So different from each other that they cannot be packed much closer. */
const longNames = Array.from(
  { length: 400 },
  (_, i) => `dep ${createHash('sha256').update(String(i)).digest('base64')}`,
);
const files = async () => ({
  'http.keytab': encodeKeytab(account.entries),
  'users.yaml': await usersFile({ alice: longNames, bob: [] }),
});
/** Two apps on one host, of which one takes passwords and the other tickets as well. The groups would not fit into a header field. */
const config =
  (store: string) =>
  (upstream: string): string =>
    `
sign_in: [{ negotiate: { keytab: http.keytab } }, { password: { users: users.yaml } }]
session: { store: ${store}, lifetime: 8h, idle: 1h, key_rotation: 30d }
apps:
  - name: sample
    host: 127.0.0.1
    upstream: ${upstream}
    sign_in: [password]
    headers: { groups: false, assertion: false }
    rules: [{ path: /**, signed_in: true }]
  - name: desk
    host: 127.0.0.1
    path: /desk
    upstream: ${upstream}
    sign_in: [negotiate]
    headers: { groups: false, assertion: false }
    rules: [{ path: /**, signed_in: true }]
`;
const ticketAt = (now: number): Readonly<Record<string, string>> => ({
  Authorization: `Negotiate ${Buffer.from(makeRequest(issueTicket(account, now), now).token).toString('base64')}`,
});
const rows = (gateway: TestGateway): number =>
  Number(gateway.database().prepare('SELECT count(*) AS count FROM session').get()?.['count']);

async function me(
  gateway: TestGateway,
  cookie: string,
): Promise<{ readonly account: string; readonly groups: string[] }> {
  const { status, body } = await send(`${gateway.origin}/auth/me`, { headers: { Cookie: cookie } });
  assert.equal(status, 200);
  return JSON.parse(body);
}

suite('a person with more groups than a cookie holds', () => {
  let folder: string;
  let now = Date.now();
  const start = async (threads: number): Promise<TestGateway> =>
    startTestGateway({
      folder,
      threads,
      ...(threads === 1 ? { now: () => now } : {}),
      files: await files(),
      config: config('cookie'),
    });
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'cardea-overflow-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('is signed in with all of them, in every thread and after a restart, by a small cookie', async (t) => {
    let gateway = await start(2);
    const lines = await linesToAll(gateway, 2);
    const cookie = await signInBy(gateway, lines[0], 'alice');
    t.diagnostic(`the cookie has ${cookie.length} bytes, the names of the groups ${longNames.join('').length}`);
    assert.ok(cookie.length < 200);
    for (const line of lines) {
      const { body } = await send(`${gateway.origin}/auth/me`, { agent: agentOf(line), headers: { Cookie: cookie } });
      assert.deepEqual(JSON.parse(body).groups, longNames);
    }
    for (const { agent } of lines) agent.destroy();
    await gateway.close();

    gateway = await start(2);
    assert.deepEqual((await me(gateway, cookie)).groups, longNames);
    await cardeaSessions(folder, 'revoke', '--user', 'alice');
    const began = performance.now();
    const times = await timesToEnd(
      began,
      Array.from({ length: 8 }, () => whoami(gateway.origin, cookie)),
    );
    t.diagnostic(`a person by reference, 2 threads: ${longest(times)}`);
    assert.ok(Math.max(...times) < 1_000);
    assert.equal(rows(gateway), 0);
    await gateway.close();
  });

  test('leaves nothing in the store after signing out, nor after the end of the session', async () => {
    const gateway = await start(1);
    const first = await signIn(gateway.origin, 'alice');
    assert.equal(rows(gateway), 1);
    await signOut(gateway.origin, first);
    assert.equal(rows(gateway), 0);
    assert.equal((await whoami(gateway.origin, first)()).status, 401);

    await signIn(gateway.origin, 'alice');
    now += 8 * hour;
    await signIn(gateway.origin, 'bob');
    assert.deepEqual(
      (await listed(folder)).map((one) => one.account),
      ['CORP\\bob'],
    );
    assert.equal(rows(gateway), 1);
    await gateway.close();
  });

  test('goes on when the key has changed, and is ended under either cookie', async () => {
    const gateway = await start(1);
    for (const name of ['alice', 'bob']) {
      const old = await signIn(gateway.origin, name);
      const state = join(folder, 'state');
      saveKeys(state, rotated(openKeys(state, now), now, 30 * 24 * hour));
      await send(`${gateway.origin}/.well-known/jwks.json`); // reads the keys again
      now += 10 * minute;
      const renewed = await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: old } });
      const cookie = sessionOf(renewed);
      assert.equal(renewed.status, 200);
      assert.notEqual(cookie, '');
      now += 2 * minute;
      for (const either of [old, cookie]) assert.equal((await me(gateway, either)).account, `CORP\\${name}`);
      await signOut(gateway.origin, cookie);
      for (const either of [old, cookie]) assert.equal((await whoami(gateway.origin, either)()).status, 401);
    }
    await gateway.close();
  });
});

for (const store of ['cookie', 'sqlite'])
  suite(`sessions with session.store ${store}`, () => {
    let gateway: TestGateway;
    let now = Date.now();
    const login = (name: string, headers: Readonly<Record<string, string>> = {}) =>
      send(`${gateway.origin}/auth/login`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ name, password: `${name}-password`, return: '/' }).toString(),
      });

    before(async () => {
      gateway = await startTestGateway({ now: () => now, files: await files(), config: config(store) });
    });
    after(() => gateway.close());

    test('signing in again gives another session and ends the one that the browser had, also as the same person', async () => {
      for (const name of ['bob', 'bob', 'alice']) {
        const ids = async (): Promise<readonly string[]> => (await listed(gateway.folder)).map(({ id }) => id);
        const before = await ids();
        const first = await signIn(gateway.origin, 'bob');
        const [began] = (await ids()).filter((id) => !before.includes(id));
        const second = sessionOf(await login(name, { Cookie: first }));
        assert.equal((await me(gateway, second)).account, `CORP\\${name}`);
        assert.equal((await whoami(gateway.origin, first)()).status, 401);
        const now = await ids();
        assert.ok(began !== undefined && !now.includes(began));
        assert.equal(now.length, before.length + 1);
      }
    });

    test('signing on to an app that does not take the session at hand ends that as well', async () => {
      const bob = await signIn(gateway.origin, 'bob');
      const answer = await send(`${gateway.origin}/desk/api`, { headers: { Cookie: bob, ...ticketAt(now) } });
      const signedOn = sessionOf(answer);
      assert.notEqual(signedOn, '');
      assert.equal((await whoami(gateway.origin, bob)()).status, 401);
      assert.equal((await send(`${gateway.origin}/desk/api`, { headers: { Cookie: signedOn } })).status, answer.status);
    });

    test('a sign-in that fails leaves the session as it was', async () => {
      const bob = await signIn(gateway.origin, 'bob');
      const failed = await send(`${gateway.origin}/auth/login`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: bob },
        body: new URLSearchParams({ name: 'alice', password: 'a guess', return: '/' }).toString(),
      });
      assert.equal(failed.status, 403);
      assert.equal((await me(gateway, bob)).account, 'CORP\\bob');
    });

    test('a program that still sends the cookie of a session that was replaced does not take the new one from the browser', async () => {
      const first = await signIn(gateway.origin, 'bob');
      await login('bob', { Cookie: first });
      const late = await whoami(gateway.origin, first)();
      assert.deepEqual([late.status, late.headers['set-cookie']], [401, undefined]);
      const page = await send(`${gateway.origin}/`, { headers: { ...asBrowser, Cookie: first } });
      assert.match(String(page.headers['set-cookie']), /^cardea=;/);
    });

    test('a cookie that is due to be renewed is not renewed when the session has been revoked', async () => {
      const bob = await signIn(gateway.origin, 'bob');
      now += 6 * minute;
      await cardeaSessions(gateway.folder, 'revoke', '--user', 'bob');
      await timesToEnd(performance.now(), [whoami(gateway.origin, bob)]);
      const page = await send(`${gateway.origin}/`, { headers: { ...asBrowser, Cookie: bob } });
      assert.equal(sessionOf(page), 'cardea=');
    });

    test('the list shows person, method, address, device, app, since and last seen, whatever the method', async () => {
      await cardeaSessions(gateway.folder, 'revoke', '--all', '--yes');
      now += minute; // beyond the revocation, by this clock
      const began = now;
      const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
      const bob = sessionOf(await login('bob', { 'User-Agent': firefox }));
      now += 1_000;
      await send(`${gateway.origin}/desk/api`, { headers: { ...ticketAt(now), 'User-Agent': 'curl/8.0' } });
      now += 2 * minute;
      assert.equal((await whoami(gateway.origin, bob)()).status, 200);
      const { folder } = gateway;
      await gateway.gateway.close(); // writes what waits
      const found = (await listed(folder)).map(({ id: _id, subject: _subject, ...one }) => one);
      const at = (ms: number): string => new Date(ms).toISOString();
      assert.deepEqual(
        found.map(({ account: who, method, address, device, app, since, lastSeen }) => [
          who,
          method,
          address,
          device,
          app,
          since,
          lastSeen,
        ]),
        [
          ['CORP\\alice', 'negotiate', '127.0.0.1', 'curl', 'desk', at(began + 1_000), at(began + 1_000)],
          [
            'CORP\\bob',
            'password',
            '127.0.0.1',
            'Firefox on Linux',
            'sample',
            at(began),
            at(began + 1_000 + 2 * minute),
          ],
        ],
      );
    });
  });

test('a person has a hundred sessions at most where they are kept in a store, and the first ones go', async () => {
  let now = Date.now();
  const gateway = await startTestGateway({ now: () => now, files: await files(), config: config('sqlite') });
  const desk = (headers: Readonly<Record<string, string>>) => send(`${gateway.origin}/desk/api/whoami`, { headers });
  const cookies: string[] = [];
  for (let i = 0; i < 101; i++) {
    cookies.push(sessionOf(await desk(ticketAt(now))));
    now += 1;
  }
  assert.equal(rows(gateway), 100);
  now += 2 * minute;
  const statuses = await Promise.all([0, 1, 100].map(async (i) => (await desk({ Cookie: cookies[i] ?? '' })).status));
  assert.deepEqual(statuses, [401, 404, 404]);
  await gateway.close();
});
