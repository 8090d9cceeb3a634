/** WebSockets, event streams and long responses that end with what let them in, by way of the whole gateway. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { WebSocket, WebSocketServer } from 'ws';
import { cardea, idOf, makeKey, postJson } from './credentials.ts';
import {
  send,
  sessionOf,
  signIn,
  signOut,
  startTestGateway,
  type TestGateway,
  until,
  usersFile,
  withCsrf,
} from './harness.ts';
import { cardeaSessions } from './revocations.ts';
import { openEvents, openWs, Refused } from './streams-testing.ts';
import { metric } from './threads.ts';

const minute = 60_000;
const hour = 60 * minute;

suite('with a clock of its own', () => {
  let now = Date.UTC(2026, 10, 23, 12); // a Monday
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway({
      now: () => now,
      files: { 'users.yaml': await usersFile({ alice: ['team-ai'], bob: [] }) },
      config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
session: { lifetime: 8h, idle: 30m }
apps:
  - name: sample
    host: 127.0.0.1
    upstream: "${upstream}"
    streams: { revalidate: 60s, max_lifetime: 12h }
    rules: [{ path: /**, groups: [team-ai] }]
  - name: hours
    host: localhost
    upstream: "${upstream}"
    streams: { revalidate: 60s, max_lifetime: 2h }
    rules: [{ path: /events, public: true }, { path: /**, public: true, between: ["mon 00:00-14:00 UTC"] }]
`,
    });
  });
  after(() => gateway.close());

  /** So much time goes by, and what is due then is looked at: the timer comes round several times a second. */
  async function pass(ms: number, open: { ended(): boolean }): Promise<void> {
    now += ms;
    const looks = performance.now() + 800;
    await until(() => open.ended() || performance.now() > looks, 'looks of the timer');
  }

  test('a socket outlives the idle limit, and ends with 4401 at the absolute end of its session', async () => {
    const cookie = await signIn(gateway.origin, 'alice');
    const open = await openWs(`${gateway.origin}/ws`, { Cookie: cookie });
    const stream = await openEvents(`${gateway.origin}/events`, { Cookie: cookie });
    await pass(2 * hour, open);
    assert.equal((await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: cookie } })).status, 401);
    assert.deepEqual([open.ended(), stream.ended()], [false, false]);
    await pass(6 * hour + 1_000, open);
    const { code, reason } = await open.closing;
    assert.deepEqual([code, reason], [4401, 'session-expired']);
    await stream.cut;
  });

  test('whoever signs out of a session that was idle for too long ends its sockets', async () => {
    const cookie = await signIn(gateway.origin, 'alice');
    const open = await openWs(`${gateway.origin}/ws`, { Cookie: cookie });
    await pass(hour, open);
    const first = await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: cookie } });
    assert.deepEqual([first.status, first.headers['set-cookie']], [401, undefined]);
    await send(`${gateway.origin}/auth/logout`, { method: 'POST', headers: { Cookie: cookie } });
    assert.deepEqual((await open.closing).reason, 'signed-out');
  });

  test('whoever signs in after it was idle for too long keeps the sockets, and another person ends them', async () => {
    const cookie = await signIn(gateway.origin, 'alice');
    const open = await openWs(`${gateway.origin}/ws`, { Cookie: cookie });
    await pass(hour, open);
    const signInWith = async (name: string, before: string): Promise<string> => {
      const response = await send(`${gateway.origin}/auth/login`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: before },
        body: new URLSearchParams({ name, password: `${name}-password`, return: '/' }).toString(),
      });
      return sessionOf(response);
    };
    const next = await signInWith('alice', cookie);
    await pass(minute, open);
    assert.equal(open.ended(), false);
    await pass(hour, open);
    await signInWith('bob', next);
    assert.deepEqual((await open.closing).reason, 'replaced');
  });

  test('a socket ends with 4403 when the rules do not allow it any more, and with 4401 at the longest life', async () => {
    now = Date.UTC(2026, 10, 30, 13, 30); // a Monday
    const origin = gateway.origin.replace('127.0.0.1', 'localhost');
    const open = await openWs(`${origin}/ws`, {});
    const stream = await openEvents(`${origin}/events`, {});
    await pass(20 * minute, open);
    assert.equal(open.ended(), false);
    await pass(11 * minute, open);
    const { code, reason } = await open.closing;
    assert.deepEqual([code, reason], [4403, 'no-longer-allowed']);
    assert.equal(stream.ended(), false);
    now += 90 * minute;
    await stream.cut;
    await until(
      () => gateway.audit('stream-closed').some((line) => line['reason'] === 'max-lifetime'),
      'the audit log',
    );
    const ended = 'cardea_streams_ended_total{app="hours",kind=';
    assert.equal(await metric(gateway, `${ended}"websocket",reason="no-longer-allowed"}`), 1);
    assert.equal(await metric(gateway, `${ended}"events",reason="max-lifetime"}`), 1);
  });
});

for (const threads of [1, 2])
  suite(`with a limit for each person, and ${threads} thread(s)`, () => {
    let gateway: TestGateway;
    before(async () => {
      gateway = await startTestGateway({
        threads,
        files: { 'users.yaml': await usersFile({ alice: [], bob: [] }) },
        config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
apps:
  - { name: sample, host: 127.0.0.1, upstream: "${upstream}", streams: { per_person: 6 }, rules: [{ path: /**, signed_in: true }] }
`,
      });
    });
    after(() => gateway.close());

    const open = async (cookie: string, kind: 'ws' | 'events'): Promise<(() => void) | number> => {
      try {
        if (kind === 'ws') {
          const { socket } = await openWs(`${gateway.origin}/ws`, { Cookie: cookie });
          return () => socket.terminate();
        }
        const { status, close } = await openEvents(`${gateway.origin}/events`, { Cookie: cookie });
        return status === 200 ? close : status;
      } catch (error) {
        if (error instanceof Refused) return error.status;
        throw error;
      }
    };

    test('the one too many gets 429, over all threads and kinds, until another one has ended', async () => {
      const alice = [await signIn(gateway.origin, 'alice'), await signIn(gateway.origin, 'alice')];
      const opened = await Promise.all(
        Array.from({ length: 12 }, (_, i) => open(alice[i % 2] ?? '', i % 3 === 0 ? 'events' : 'ws')),
      );
      const closers = opened.filter((one) => typeof one === 'function');
      assert.deepEqual([closers.length, opened.filter((one) => one === 429).length], [6, 6]);
      const bob = await open(await signIn(gateway.origin, 'bob'), 'ws');
      assert.equal(typeof bob, 'function', 'another person has places of their own');
      await until(() => gateway.audit('refused').length === 6, 'the refusals in the audit log');
      assert.ok(
        gateway
          .audit('refused')
          .every((line) => line['reason'] === 'too-many-streams' && line['account'] === 'CORP\\alice'),
      );
      assert.equal(await metric(gateway, 'cardea_refusals_total{reason="too-many-streams"}'), 6);
      const { status, body } = await send(`${gateway.origin}/events`, { headers: { Cookie: alice[0] ?? '' } });
      assert.deepEqual([status, JSON.parse(body).error], [429, 'too-many-streams']);
      for (const close of [...closers, bob]) if (typeof close === 'function') close();
      const again: (() => void)[] = [];
      await until(async () => {
        const one = await open(alice[0] ?? '', 'ws');
        if (typeof one === 'function') again.push(one);
        return again.length === 6;
      }, 'the places to be free again');
      assert.equal(await open(alice[0] ?? '', 'ws'), 429);
      for (const close of again) close();
    });

    test('an upgrade that the app refuses gives its place back', async () => {
      const cookie = await signIn(gateway.origin, 'alice');
      await until(async () => (await gateway.gateway.connections()).tunnels === 0, 'the end of the test before');
      for (let i = 0; i < 20; i++)
        await assert.rejects(openWs(`${gateway.origin}/no-socket-here`, { Cookie: cookie }), { status: 400 });
      assert.equal(typeof (await open(cookie, 'ws')), 'function');
    });
  });

suite('with credentials that begin no session', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({
      threads: 2,
      files: { 'users.yaml': await usersFile({ alice: [] }) },
      config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }, { api_key: {} }, { stream_token: {} }]
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
    });
  });
  after(() => gateway.close());

  test('what was opened with an API key ends with the key, and nothing of another key does', async () => {
    const [key, other] = [await makeKey(gateway.folder, 'robot'), await makeKey(gateway.folder, 'other')];
    const open = await openWs(`${gateway.origin}/ws`, { 'X-API-Key': key });
    const stream = await openEvents(`${gateway.origin}/events`, { 'X-API-Key': key });
    const rest = await openWs(`${gateway.origin}/ws`, { 'X-API-Key': other });
    await cardea(gateway.folder, 'keys', 'revoke', '--id', idOf(key));
    const { code, reason } = await open.closing;
    assert.deepEqual([code, reason], [4401, 'credential-revoked']);
    await stream.cut;
    assert.equal(rest.ended(), false);
    rest.socket.terminate();
  });

  test('what was opened with a stream token ends when the session is signed out that it was made of', async () => {
    const cookie = await signIn(gateway.origin, 'alice');
    const headers = await withCsrf(gateway.origin, cookie);
    const opened = await Promise.all(
      ['/ws', '/ws', '/events'].map(async (path) => {
        const { status, body } = await postJson(`${gateway.origin}/auth/stream-tokens`, { path }, headers);
        assert.equal(status, 200, body);
        const url = `${gateway.origin}${String(JSON.parse(body).url)}`;
        return path === '/ws' ? openWs(url, {}) : openEvents(url, {});
      }),
    );
    await signOut(gateway.origin, cookie);
    for (const one of opened)
      if ('closing' in one) assert.equal((await one.closing).reason, 'signed-out');
      else await one.cut;
  });
});

suite('with an app of its own', () => {
  let app: Server;
  let raw: Server;
  let sockets: WebSocketServer;
  let gateway: TestGateway;
  const polls: ServerResponse[] = [];
  const halved = randomBytes(50_000).toString('hex');
  const text = 'a message that deflates well, '.repeat(2_000);

  before(async () => {
    app = createServer((asked, response) => {
      asked.on('error', () => {});
      if (asked.url === '/poll') return void polls.push(response);
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': 1_000_000 });
      response.write('begun');
    });
    sockets = new WebSocketServer({ server: app, perMessageDeflate: { threshold: 0 } });
    sockets.on('connection', (socket) => {
      socket.on('error', () => {});
      // Without a pause: messages deflated, in fragments, more than the connection takes at once.
      const talk = (): void => {
        if (socket.readyState !== WebSocket.OPEN) return;
        for (let part = 0; part < 4; part++) socket.send(text, { fin: part === 3 });
        setImmediate(talk);
      };
      talk();
    });
    // Sends one deflated message in two frames, the second one by halves: the rest when it has heard the Close.
    raw = createServer();
    raw.on('upgrade', (asked, socket) => {
      socket.on('error', () => {});
      const accept = createHash('sha1').update(
        `${asked.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
      );
      const extension = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\nSec-WebSocket-Extensions: ${extension}\r\n\r\n`,
      );
      const deflated = deflateRawSync(halved, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
      const [first, second] = [deflated.subarray(0, 10_000), deflated.subarray(10_000)];
      const header = (byte: number, length: number): Buffer => {
        const bytes = Buffer.alloc(10);
        bytes[0] = byte;
        bytes[1] = 127;
        bytes.writeBigUInt64BE(BigInt(length), 2);
        return bytes;
      };
      socket.write(
        Buffer.concat([header(0x41, first.length), first, header(0x80, second.length), second.subarray(0, 5)]),
      );
      socket.once('data', () => socket.write(second.subarray(5)));
    });
    for (const server of [app, raw]) {
      server.listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
    }
    gateway = await startTestGateway({
      files: { 'users.yaml': await usersFile({ alice: [], bob: [], carol: [] }) },
      config: () => `
sign_in: [{ password: { users: users.yaml } }]
apps:
  - name: own
    host: 127.0.0.1
    upstream: "http://127.0.0.1:${(app.address() as AddressInfo).port}"
    rules: [{ path: /**, signed_in: true }]
  - name: raw
    host: 127.0.0.1
    path: /raw
    upstream: "http://127.0.0.1:${(raw.address() as AddressInfo).port}"
    rules: [{ path: /**, signed_in: true }]
`,
    });
  });
  after(async () => {
    await gateway.close();
    raw.close();
    for (const socket of sockets.clients) socket.terminate();
    app.closeAllConnections();
    app.close();
  });

  for (const deflated of [true, false])
    test(`the Close comes between two frames: ${deflated ? 'deflated' : 'plain'} and fragmented messages stay whole`, async () => {
      const cookie = await signIn(gateway.origin, 'alice');
      const open = await openWs(`${gateway.origin}/`, { Cookie: cookie }, { perMessageDeflate: deflated });
      assert.equal(open.socket.extensions.includes('permessage-deflate'), deflated);
      const faults: unknown[] = [];
      open.socket.on('error', (error) => faults.push(error));
      let messages = 0;
      let wrong = 0;
      open.socket.on('message', (data: Buffer) => {
        messages++;
        if (data.length !== text.length * 4 || !data.toString().startsWith(text)) wrong++;
      });
      // What the client says is in fragments as well.
      const say = (): void => {
        if (open.socket.readyState !== WebSocket.OPEN) return;
        open.socket.send(text, { fin: false });
        open.socket.send(text, { fin: true });
        setImmediate(say);
      };
      say();
      await until(() => messages > 20, 'some messages');
      await cardeaSessions(gateway.folder, 'revoke', '--user', 'alice');
      const { code, reason } = await open.closing;
      assert.deepEqual([code, reason, wrong, faults], [4401, 'session-revoked', 0, []]);
      await until(() => sockets.clients.size === 0, 'the end at the app');
    });

  test('the Close waits for the end of a frame that is half way through, and the deflated message is whole', async () => {
    const cookie = await signIn(gateway.origin, 'carol');
    const open = await openWs(`${gateway.origin}/raw`, { Cookie: cookie });
    const messages: string[] = [];
    open.socket.on('message', (data: Buffer) => messages.push(data.toString()));
    await cardeaSessions(gateway.folder, 'revoke', '--user', 'carol');
    const { code, reason } = await open.closing;
    assert.deepEqual([code, reason], [4401, 'session-revoked']);
    assert.deepEqual([messages.length, messages[0] === halved], [1, true]);
  });

  test('a download and a request that waits end with the session as well, the latter with 401', async () => {
    const cookie = await signIn(gateway.origin, 'bob');
    const ask = (path: string): Promise<{ status: number; body: string; whole: boolean }> =>
      new Promise((resolve, reject) => {
        const asked = request(`${gateway.origin}${path}`, { headers: { Cookie: cookie } });
        asked.on('error', reject);
        asked.on('response', (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString()));
          response.on('error', () => {});
          response.on('close', () => resolve({ status: response.statusCode ?? 0, body, whole: response.complete }));
        });
        asked.end();
      });
    const [download, poll] = [ask('/download'), ask('/poll')];
    await until(() => polls.length === 1, 'the requests at the app');
    await cardeaSessions(gateway.folder, 'revoke', '--user', 'bob');
    assert.deepEqual(await download, { status: 200, body: 'begun', whole: false });
    const { status, body } = await poll;
    assert.deepEqual([status, JSON.parse(body).error], [401, 'not-signed-in']);
    await until(() => gateway.audit('stream-closed').length === 2, 'the audit log');
    assert.ok(gateway.audit('stream-closed').every(({ reason }) => reason === 'session-revoked'));
  });
});
