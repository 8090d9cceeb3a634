import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Browser, startChromium } from '../../lab/chromium.ts';
import { type Gate, startGate, upstreamAt } from '../../packages/http1/src/engine-testing.ts';
import type { Tunnel } from '../../packages/http1/src/exchange.ts';
import type { Certificate } from '../../packages/http1/src/tls.ts';

const skip =
  !existsSync('/usr/bin/chromium') && 'Chromium is not there: run "npm run lab:install" on Debian 12 as root';

/** What a page sees of the end of its WebSocket. */
interface CloseEvent {
  readonly wasClean: boolean;
  readonly code: number;
  readonly reason: string;
  /** Negotiated. */
  readonly extensions: string;
  /** Messages that came before. */
  readonly messages: number;
  readonly errors: number;
}

/** What the app sees of it. */
interface Ending {
  readonly code: number;
  readonly reason: string;
  readonly errors: readonly string[];
}

/** What the page sends: nothing; two megabytes; or without end, so that it always has something left to send. */
type Talk = 'silent' | 'burst' | 'flood';

/** Opens a WebSocket and talks; gives what its close event says. */
const script = (url: string, talk: Talk): string => `new Promise((resolve) => {
  const socket = new WebSocket('${url}');
  let messages = 0, errors = 0, sent = 0;
  globalThis.allSent = false;
  // Hardly compressible, so that frames are long.
  const text = Array.from({ length: 25_000 }, () => Math.random().toString(36).slice(2, 10)).join('');
  const most = { silent: 0, burst: 10, flood: Infinity }['${talk}'];
  const timer = setInterval(() => {
    while (socket.readyState === 1 && sent < most && socket.bufferedAmount < 2_000_000) { socket.send(text); sent++; }
    globalThis.allSent = sent === most && socket.bufferedAmount === 0;
  }, 1);
  socket.onmessage = () => messages++;
  socket.onerror = () => errors++;
  socket.onclose = ({ wasClean, code, reason }) => {
    clearInterval(timer);
    resolve({ wasClean, code, reason, extensions: socket.extensions, messages, errors });
  };
})`;

for (const secure of [false, true])
  suite(`a WebSocket of a real Chromium through the engine${secure ? ', over TLS' : ''}`, { skip }, () => {
    let app: WebSocketServer;
    let gate: Gate;
    let browser: Browser;
    let page: Page;
    let opened: PromiseWithResolvers<Tunnel>;
    let frames: FrameCounter;

    before(async () => {
      app = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } });
      await once(app, 'listening');
      app.on('connection', (_socket, request) => {
        frames = new FrameCounter();
        request.socket.on('data', (chunk: Buffer) => frames.push(chunk));
      });
      gate = await startGate({
        upstream: upstreamAt(`http://127.0.0.1:${(app.address() as AddressInfo).port}`),
        ...(secure ? { tls: certificate() } : {}),
        decide: ({ target }, _client, forward) =>
          target === '/ws'
            ? forward()
            : { kind: 'reply', reply: { status: 200, fields: ['Content-Type', 'text/html'], body: '<!doctype html>' } },
        forward: {
          opened(tunnel) {
            opened.resolve(tunnel);
            return undefined;
          },
          ended() {},
        },
      });
      browser = await startChromium();
      page = await browser.context.newPage();
      await page.goto(`${secure ? 'https' : 'http'}://127.0.0.1:${gate.engine.port}/`);
    });
    after(async () => {
      await browser?.close();
      for (const socket of app.clients) socket.terminate();
      app.close();
      await gate?.close();
    });

    /** Lets the page open one; `during` runs when both sides are there. */
    async function session(
      talk: Talk,
      during: (socket: WebSocket, tunnel: Tunnel) => Promise<void>,
    ): Promise<{ readonly event: CloseEvent; readonly ending: Ending }> {
      opened = Promise.withResolvers();
      const arrived = once(app, 'connection');
      const closed = page.evaluate<CloseEvent>(
        script(`${secure ? 'wss' : 'ws'}://127.0.0.1:${gate.engine.port}/ws`, talk),
      );
      const [socket] = (await arrived) as [WebSocket];
      const errors: string[] = [];
      socket.on('error', (error) => errors.push(error.message));
      const ended = once(socket, 'close');
      await during(socket, await opened.promise);
      const event = await closed;
      const [code, reason] = (await ended) as [number, Buffer];
      return { event, ending: { code, reason: String(reason), errors } };
    }

    const clean = { wasClean: true, code: 4401, reason: 'session ended', extensions: 'permessage-deflate', errors: 0 };
    const told: Ending = { code: 4401, reason: 'session ended', errors: [] };

    test('Tunnel.close() on a silent one is a clean close event with its code and reason, and the app sees the same', async () => {
      const { event, ending } = await session('silent', async (_socket, tunnel) => tunnel.close(4401, 'session ended'));
      assert.deepEqual(event, { ...clean, messages: 0 });
      assert.deepEqual(ending, told);
    });

    test('Tunnel.close() in the middle of long fragmented messages of both sides is a clean close event all the same', async () => {
      let fragments = 0;
      for (const waited of [0, 1, 7, 40, 200]) {
        const { event, ending } = await session('burst', async (socket, tunnel) => {
          // What the page sends gets stuck on its way.
          socket.pause();
          const flood = flooded(socket);
          await page.waitForFunction('globalThis.allSent');
          for (let turns = 0; turns < waited; turns++) await turn();
          assert.equal(frames.continuations < 30, true);
          tunnel.close(4401, 'session ended');
          socket.resume();
          await flood;
        });
        assert.deepEqual({ ...event, messages: 0 }, { ...clean, messages: 0 });
        assert.deepEqual(ending, told);
        fragments += frames.continuations;
      }
      // Otherwise the browser would not have been in the middle of anything.
      assert.ok(fragments > 10, `only ${fragments} continuation frames of the browser`);
    });

    test('Tunnel.close() gives a page that has not sent all it wanted the close event that the app itself would give it', async () => {
      const events = [];
      for (const own of [true, false]) {
        const { event, ending } = await session('flood', async (socket, tunnel) => {
          const flood = flooded(socket);
          await once(socket, 'message');
          (own ? socket : tunnel).close(4401, 'session ended');
          await flood;
        });
        assert.equal(ending.code, 4401);
        assert.deepEqual(ending.errors, []);
        events.push({ ...event, messages: 0 });
      }
      // `wasClean` is false in both: Chromium says so of every close behind which something of the page's is left.
      assert.deepEqual(events[1], events[0]);
      assert.deepEqual(events[1], { ...clean, wasClean: false, messages: 0 });
    });

    test('Tunnel.close() between the fragments of a message that the app has begun is a clean close event', async () => {
      const { event, ending } = await session('silent', async (socket, tunnel) => {
        await new Promise((resolve) => socket.send('begun, ', { fin: false }, resolve));
        tunnel.close(4401, 'session ended');
      });
      assert.deepEqual(event, { ...clean, messages: 0 });
      assert.deepEqual(ending, told);
    });

    test('drain() without grace is a clean close event with 1001', async () => {
      const { event } = await session('burst', async (socket) => {
        await once(socket, 'message');
        await page.waitForFunction('globalThis.allSent');
        await gate.engine.drain(0);
      });
      assert.deepEqual([event.wasClean, event.code, event.reason], [true, 1001, 'shutdown']);
    });
  });

/** Messages of a megabyte in fragments of 40 KB, one after the other, as fast as they go out, until the WebSocket closes. */
async function flooded(socket: WebSocket): Promise<void> {
  const part = Buffer.alloc(40_000);
  for (let i = 1; socket.readyState === socket.OPEN; i++) {
    crypto.getRandomValues(part);
    await new Promise((resolve) => socket.send(part, { binary: true, fin: i % 25 === 0 }, resolve));
  }
}

/** Counts continuation frames in what a client sends (RFC 6455, 5.2). */
class FrameCounter {
  continuations = 0;
  #rest = Buffer.alloc(0);
  #skip = 0;

  push(chunk: Buffer): void {
    let bytes = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const passed = Math.min(this.#skip, bytes.length);
      this.#skip -= passed;
      bytes = bytes.subarray(passed);
      const short = (bytes[1] ?? 0) & 0x7f;
      const head = short === 127 ? 14 : short === 126 ? 8 : 6;
      this.#rest = bytes;
      if (this.#skip > 0 || bytes.length < head) return;
      if (((bytes[0] ?? 0) & 0x0f) === 0) this.continuations++;
      const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
      this.#skip = head + length;
    }
  }
}

function certificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-ws-'));
  try {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-subj', '/CN=localhost'];
    execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', '-out', cert, '-keyout', key, ...kind], {
      stdio: 'ignore',
    });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
