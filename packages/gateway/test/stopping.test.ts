/** `cardea serve` and signals: SIGTERM under load ends the process in order, with several threads and with one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createNetServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { type CardeaProcess, startCardea } from './cardea-process.ts';
import { send, until } from './harness.ts';

/** An app that counts how often it gets each request, and can be slow. */
class CountingApp {
  readonly seen = new Map<string, number>();
  /** Requests that have begun and are not answered. */
  working = 0;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #held = new Set<ServerResponse>();

  constructor() {
    this.#server = createServer((incoming, response) => void this.#answer(incoming, response));
    this.#sockets = new WebSocketServer({ server: this.#server });
    this.#sockets.on('connection', (socket) => {
      socket.on('error', () => {});
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get sockets(): number {
    return this.#sockets.clients.size;
  }

  /** Answers what waits at `/slow`. */
  release(): void {
    for (const response of this.#held) response.end('late\n');
    this.#held.clear();
  }

  closeConnections(): void {
    this.#server.closeAllConnections();
  }

  close(): void {
    this.closeConnections();
    this.#server.close();
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = incoming.url ?? '';
    this.seen.set(target, (this.seen.get(target) ?? 0) + 1);
    this.working++;
    response.on('close', () => this.working--);
    response.on('error', () => {});
    let bytes = 0;
    try {
      for await (const chunk of incoming) bytes += (chunk as Buffer).length;
    } catch {
      return; // the client is gone
    }
    if (!target.startsWith('/slow')) return void response.end(`${bytes}\n`);
    response.write('early ');
    this.#held.add(response);
  }
}

const config = (upstream: string, threads: number): string => `
threads: ${threads}
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /denied, groups: [nobody] }, { path: /**, public: true }] }]
sign_in: [{ password: { users: users.yaml } }]
`;
const files = { 'users.yaml': '{ users: [] }' };

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly connection: string | undefined;
}

/** A request whose content is written piece by piece; resolves when the whole answer is there. */
function begin(
  url: string,
  method: string,
  agent: Agent,
): { readonly write: (text: string) => void; readonly end: () => void; readonly answer: Promise<Answer> } {
  const outgoing = request(url, { method, agent });
  const answer = new Promise<Answer>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, connection: response.headers.connection }),
      );
    });
  });
  answer.catch(() => {});
  return { write: (text) => void outgoing.write(text), end: () => outgoing.end(), answer };
}

for (const threads of [2, 1])
  suite(`cardea serve with ${threads === 1 ? 'one thread' : `${threads} threads`}`, () => {
    const app = new CountingApp();
    let upstream: string;
    before(async () => (upstream = await app.start()));
    after(() => app.close());

    test('SIGTERM under load lets everything finish, cuts nothing that is under way and ends with status 0', async (t) => {
      const cardea = await startCardea(config(upstream, threads), files);
      t.after(() => cardea.remove());
      const agent = new Agent({ keepAlive: true });
      t.after(() => agent.destroy());
      const outcomes = { answered: 0, refused: 0, cut: 0 };
      let stopping = false;
      let number = 0;
      const client = async (): Promise<void> => {
        const own = new Agent({ keepAlive: true, maxSockets: 1 });
        for (;;) {
          const sent = begin(`${cardea.origin}/load/${threads}/${number++}`, 'POST', own);
          sent.write('content');
          sent.end();
          try {
            const { status, body } = await sent.answer;
            assert.deepEqual([status, body], [200, '7\n']);
            outcomes.answered++;
          } catch (error) {
            own.destroy();
            const code = error instanceof Error && 'code' in error ? error.code : undefined;
            if (code === 'ECONNREFUSED') outcomes.refused++;
            else if (stopping && (code === 'ECONNRESET' || code === 'EPIPE')) outcomes.cut++;
            else throw error;
            return;
          }
        }
      };
      const clients = Array.from({ length: 8 }, client);
      const slow = Array.from({ length: 10 }, (_, i) => {
        const sent = begin(`${cardea.origin}/slow/${threads}/${i}`, 'GET', agent);
        sent.end();
        return sent;
      });
      const uploads = Array.from({ length: 10 }, (_, i) => {
        const sent = begin(`${cardea.origin}/upload/${threads}/${i}`, 'POST', agent);
        sent.write('x'.repeat(10_000));
        return sent;
      });
      const sockets = Array.from({ length: 10 }, () => new WebSocket(`${cardea.origin.replace('http', 'ws')}/ws`));
      const closed = Promise.all(sockets.map(async (socket) => (await once(socket, 'close'))[0]));
      await until(() => app.sockets === 10, 'the WebSockets', 20_000);
      const begun = (): number =>
        [...app.seen.keys()].filter((url) => /^\/(slow|upload)\/./.test(url) && url.includes(`/${threads}/`)).length;
      await until(() => begun() === 20, 'the slow requests and the uploads', 20_000);
      await until(() => outcomes.answered > 200, 'some load', 20_000);
      assert.equal((await send(`${cardea.origin}/denied`)).status, 401);

      stopping = true;
      const since = performance.now();
      cardea.signal('SIGTERM');
      await Promise.all(clients);
      await until(() => cardea.log().includes('Cardea is stopping'), 'the beginning of the end');
      // Still there: requests, uploads and sockets that had begun.
      app.release();
      for (const { write, end } of uploads) {
        write('y'.repeat(5_000));
        end();
      }
      for (const { answer } of slow)
        assert.deepEqual(await answer, { status: 200, body: 'early late\n', connection: undefined });
      for (const { answer } of uploads)
        assert.deepEqual(await answer, { status: 200, body: '15000\n', connection: 'close' });
      assert.deepEqual(new Set(await closed), new Set([1001]));
      assert.equal(await cardea.ended, 0);
      assert.ok(performance.now() - since < 15_000, 'the grace is ten seconds');

      for (const [url, times] of app.seen) if (/^\/(?:load|slow|upload)\//.test(url)) assert.equal(times, 1, url);
      // Whoever has sent a request at the very moment when its idle connection was closed cannot know; nobody else is cut.
      assert.ok(outcomes.cut <= clients.length, JSON.stringify(outcomes));
      // The last events there are: all at once, a moment before the end.
      assert.equal(cardea.output().match(/"kind":"websocket-closed"/g)?.length, 10);
      assert.match(cardea.log(), /Cardea has stopped/);
      assert.doesNotMatch(cardea.log(), /"level":"error"/);
    });

    test('SIGTERM writes the audit events of the last moment', async (t) => {
      const cardea = await startCardea(config(upstream, threads), files);
      t.after(() => cardea.remove());
      const refused = 50;
      await Promise.all(Array.from({ length: refused }, () => send(`${cardea.origin}/auth/nothing`)));
      cardea.signal('SIGTERM');
      assert.equal(await cardea.ended, 0);
      const database = new DatabaseSync(join(cardea.folder, 'state', 'cardea.sqlite'));
      const row = database.prepare("SELECT count(*) AS count FROM audit WHERE kind = 'refused'").get();
      database.close();
      assert.equal(row?.['count'], refused);
      assert.equal(
        cardea
          .output()
          .split('\n')
          .filter((line) => line.includes('"kind":"refused"')).length,
        refused,
      );
    });

    test('a second signal ends it at once', async (t) => {
      const cardea = await startCardea(config(upstream, threads), files);
      t.after(() => cardea.remove());
      const agent = new Agent();
      t.after(() => agent.destroy());
      const slow = begin(`${cardea.origin}/slow/second`, 'GET', agent);
      slow.end();
      await until(() => app.seen.has('/slow/second'), 'the request');
      app.seen.clear();
      cardea.signal('SIGTERM');
      await until(() => cardea.log().includes('Cardea is stopping'), 'the beginning of the end');
      const since = performance.now();
      cardea.signal('SIGTERM');
      assert.equal(await cardea.ended, 1);
      assert.ok(performance.now() - since < 5_000, 'the request would have kept it for ten seconds');
      await assert.rejects(slow.answer);
      app.release();
    });

    test('nothing is left of connections that have ended', async (t) => {
      const cardea = await startCardea(config(upstream, threads), files);
      t.after(() => cardea.remove());
      const round = async (): Promise<void> => {
        const agent = new Agent({ keepAlive: true });
        await Promise.all(Array.from({ length: 100 }, () => send(`${cardea.origin}/files`, { agent })));
        const sockets = Array.from({ length: 50 }, () => new WebSocket(`${cardea.origin.replace('http', 'ws')}/ws`));
        await Promise.all(sockets.map((socket) => once(socket, 'open')));
        for (const socket of sockets) socket.terminate();
        agent.destroy();
        await until(() => app.sockets === 0, 'the end of the sockets');
      };
      const open = async (): Promise<number> => {
        const { body } = await send(`${cardea.admin}/metrics`);
        return [...body.matchAll(/^cardea_connections(?:\{.*\})? (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
      };
      // Connections to the app are kept for a while, as many as there were requests at once: the app closes them.
      const rest = async (): Promise<void> => {
        await until(async () => (await open()) === 0, 'the end of the connections');
        app.closeConnections();
        let files = cardea.usage().files;
        await until(async () => {
          await delay(100);
          const settled = cardea.usage().files === files;
          files = cardea.usage().files;
          return settled;
        }, 'the end of the connections to the app');
      };
      for (let i = 0; i < 3; i++) await round();
      await rest();
      const before = cardea.usage();
      for (let i = 0; i < 10; i++) await round();
      await rest();
      const left = cardea.usage();
      assert.ok(left.files <= before.files + 20, `${before.files} files before, ${left.files} after`);
      assert.ok(left.memory < before.memory + 60e6, `${before.memory / 1e6} MB before, ${left.memory / 1e6} MB after`);
    });

    test('a port that is taken is one line and status 1', async (t) => {
      const other = createNetServer();
      t.after(() => other.close());
      other.listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as AddressInfo;
      const own = `listen: { address: "127.0.0.1:${port}" }\nadmin: false\n${config(upstream, threads)}`;
      const cardea: CardeaProcess = await startCardea(own, files);
      t.after(() => cardea.remove());
      assert.equal(await cardea.ended, 1);
      assert.match(
        cardea.log(),
        /^cardea serve: cannot listen on 127\.0\.0\.1:\d+: another program, or another Cardea, has this port \(EADDRINUSE\)\n$/,
      );
    });
  });
