/** Two gateways with the same keys and one Redis: streams at one of them go on, or end, with what happens at the other. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { send, sessionOf, signIn, signOut, startTestGateway, type TestGateway, usersFile } from './harness.ts';
import { noRedis, startRedis, type TestRedis } from './redis.ts';
import { folderWithKeysOf } from './replicas.ts';
import { cardeaSessions } from './revocations.ts';
import { type OpenEvents, openEvents, type OpenSocket, openWs } from './streams-testing.ts';

for (const mode of ['cookie', 'redis'] as const)
  suite(`two replicas with session.store ${mode}`, { skip: noRedis }, () => {
    let redis: TestRedis;
    let first: TestGateway;
    let second: TestGateway;

    const start = async (folder?: string): Promise<TestGateway> =>
      startTestGateway({
        ...(folder === undefined ? {} : { folder }),
        files: { 'users.yaml': await usersFile({ alice: [], bob: [], carol: [] }) },
        config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
session: { store: ${mode} }
redis: { url: "${redis.url}" }
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
      });
    before(async () => {
      redis = await startRedis();
      first = await start();
      second = await start(folderWithKeysOf(first.folder));
    });
    after(async () => {
      await first.close();
      await second.close();
      rmSync(second.folder, { recursive: true, force: true });
      await redis.close();
    });

    interface Opened {
      readonly socket: OpenSocket;
      readonly events: OpenEvents;
    }
    const openAt = async ({ origin }: TestGateway, cookie: string): Promise<Opened> => ({
      socket: await openWs(`${origin}/ws`, { Cookie: cookie }),
      events: await openEvents(`${origin}/events`, { Cookie: cookie }),
    });
    const isOver = ({ socket, events }: Opened): boolean => socket.ended() || events.ended();
    const endOf = async ({ socket, events }: Opened): Promise<readonly unknown[]> => {
      await events.cut;
      const { code, reason } = await socket.closing;
      return [code, reason];
    };
    /** Signs in by the form in a browser that has this cookie. */
    const signInAgain = async ({ origin }: TestGateway, name: string, cookie: string): Promise<string> => {
      const response = await send(`${origin}/auth/login`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: cookie },
        body: new URLSearchParams({ name, password: `${name}-password`, return: '/' }).toString(),
      });
      assert.equal(response.status, 303, response.body);
      return sessionOf(response);
    };
    /** Both have heard of all that was revoked before when they have heard of this. */
    const bothHaveHeard = async (): Promise<void> => {
      const cookie = await signIn(first.origin, 'carol');
      const markers = [await openAt(first, cookie), await openAt(second, cookie)];
      await cardeaSessions(first.folder, 'revoke', '--user', 'carol');
      await Promise.all(markers.map(endOf));
    };

    test('what is open at one of them goes on when the same person signs in again at the other, and ends with that', async () => {
      const cookie = await signIn(first.origin, 'alice');
      const open = [await openAt(first, cookie), await openAt(second, cookie)];
      const again = await signInAgain(second, 'alice', cookie);
      await bothHaveHeard();
      assert.deepEqual(open.map(isOver), [false, false]);
      // And once more, at the other one.
      const last = await signInAgain(first, 'alice', again);
      await bothHaveHeard();
      assert.deepEqual(open.map(isOver), [false, false]);
      assert.equal((await send(`${first.origin}/api/whoami`, { headers: { Cookie: cookie } })).status, 401);
      await signOut(second.origin, last);
      for (const one of open) assert.deepEqual(await endOf(one), [4401, 'signed-out']);
    });

    test('what is open at one of them ends when somebody else signs in in the same browser at the other', async () => {
      const cookie = await signIn(first.origin, 'alice');
      const open = await openAt(first, cookie);
      const bob = await openAt(first, await signInAgain(second, 'bob', cookie));
      assert.deepEqual(await endOf(open), [4401, 'replaced']);
      assert.equal(isOver(bob), false);
      bob.socket.socket.terminate();
      bob.events.close();
    });
  });
