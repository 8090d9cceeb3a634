/** WebSockets and event streams end with their session: in every mode of keeping sessions, with one thread and with two. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { send, sessionOf, signIn, signOut, startTestGateway, type TestGateway, until, usersFile } from './harness.ts';
import { noRedis, startRedis, type TestRedis } from './redis.ts';
import { cardeaSessions, longest } from './revocations.ts';
import { type OpenEvents, openEvents, type OpenSocket, openWs } from './streams-testing.ts';

/** What issue 5 promises. */
const soonMs = 1_000;

for (const mode of ['cookie', 'sqlite', 'redis'] as const)
  for (const threads of [1, 2])
    suite(`with session.store ${mode} and ${threads} thread(s)`, { skip: mode === 'redis' && noRedis }, () => {
      let redis: TestRedis | undefined;
      let gateway: TestGateway;

      before(async () => {
        if (mode === 'redis') redis = await startRedis();
        gateway = await startTestGateway({
          threads,
          files: { 'users.yaml': await usersFile({ alice: ['team-ai'], bob: [], carol: [] }) },
          config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
session: { store: ${mode} }
${redis === undefined ? '' : `redis: { url: "${redis.url}" }`}
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
        });
      });
      after(async () => {
        await gateway.close();
        await redis?.close();
      });

      /** So many that each thread has some, whichever the system gives them to. */
      const sockets = (cookie: string): Promise<readonly OpenSocket[]> =>
        Promise.all(Array.from({ length: 8 }, () => openWs(`${gateway.origin}/ws`, { Cookie: cookie })));
      const events = (cookie: string): Promise<readonly OpenEvents[]> =>
        Promise.all(Array.from({ length: 8 }, () => openEvents(`${gateway.origin}/events`, { Cookie: cookie })));
      /** Signs in by the form in a browser that has this cookie. */
      const signInAgain = async (name: string, cookie: string): Promise<string> => {
        const response = await send(`${gateway.origin}/auth/login`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: cookie },
          body: new URLSearchParams({ name, password: `${name}-password`, return: '/' }).toString(),
        });
        assert.equal(response.status, 303, response.body);
        return sessionOf(response);
      };
      /** Every thread has heard of a revocation when this has ended by one. */
      const everybodyHas = async (): Promise<void> => {
        const markers = await sockets(await signIn(gateway.origin, 'carol'));
        await cardeaSessions(gateway.folder, 'revoke', '--user', 'carol');
        await Promise.all(markers.map(({ closing }) => closing));
      };

      test('what is revoked ends within a second with 4401, and nothing else does', async (t) => {
        const bob = await sockets(await signIn(gateway.origin, 'bob'));
        const cookie = await signIn(gateway.origin, 'alice');
        const open = await sockets(cookie);
        const streams = await events(cookie);
        assert.ok(streams.every(({ status }) => status === 200));
        const began = performance.now();
        await cardeaSessions(gateway.folder, 'revoke', '--user', 'alice');
        const closings = await Promise.all(open.map(({ closing }) => closing));
        const cuts = await Promise.all(streams.map(({ cut }) => cut));
        const times = [...closings, ...cuts].map(({ at }) => at - began);
        t.diagnostic(`${mode}, ${threads} thread(s): ${longest(times)}`);
        for (const { code, reason } of closings) assert.deepEqual([code, reason], [4401, 'session-revoked']);
        assert.ok(Math.max(...times) < soonMs, longest(times));
        assert.ok(bob.every(({ ended }) => !ended()));
        await until(() => gateway.sample.sockets() === 8, 'the end of the sockets at the app');
        assert.equal((await openEvents(`${gateway.origin}/events`, { Cookie: cookie })).status, 401);
        const reasons = (kind: string): readonly unknown[] =>
          gateway
            .audit(kind)
            .filter(({ account }) => account === 'CORP\\alice')
            .map(({ reason }) => reason);
        await until(() => reasons('stream-closed').length === 8, 'the end of the streams in the audit log');
        await until(() => reasons('websocket-closed').length === 8, 'the end of the sockets in the audit log');
        assert.deepEqual(
          new Set([...reasons('stream-closed'), ...reasons('websocket-closed')]),
          new Set(['session-revoked']),
        );
        for (const { socket } of bob) socket.terminate();
      });

      test('signing out ends the sockets of the session', async () => {
        const cookie = await signIn(gateway.origin, 'alice');
        const open = await sockets(cookie);
        assert.equal((await signOut(gateway.origin, cookie)).status, 200);
        for (const { code, reason } of await Promise.all(open.map(({ closing }) => closing)))
          assert.deepEqual([code, reason], [4401, 'signed-out']);
      });

      test('a new sign-in of the same person keeps the sockets, which end with it', async () => {
        let cookie = await signIn(gateway.origin, 'alice');
        const open = [...(await sockets(cookie))];
        for (let i = 0; i < 2; i++) {
          cookie = await signInAgain('alice', cookie);
          open.push(...(await sockets(cookie)));
        }
        await everybodyHas();
        assert.deepEqual(
          open.map(({ ended }) => ended()),
          open.map(() => false),
        );
        // They carry messages still.
        const echo = new Promise<string>((got) => {
          open[0]?.socket.on('message', (data: Buffer) => data.toString() === 'still here' && got(data.toString()));
        });
        open[0]?.socket.send('still here');
        await echo;
        await signOut(gateway.origin, cookie);
        for (const { code, reason } of await Promise.all(open.map(({ closing }) => closing)))
          assert.deepEqual([code, reason], [4401, 'signed-out']);
      });

      test('a sign-in of somebody else in the same browser ends the sockets', async () => {
        const cookie = await signIn(gateway.origin, 'alice');
        const open = await sockets(cookie);
        await signInAgain('bob', cookie);
        for (const { code, reason } of await Promise.all(open.map(({ closing }) => closing)))
          assert.deepEqual([code, reason], [4401, 'replaced']);
      });
    });
