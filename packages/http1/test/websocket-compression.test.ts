import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { startGate, upstreamAt } from '../src/engine-testing.ts';
import { type CompressionRun, compressionRuns, messageSizes } from './websocket-compression-runs.ts';

/** What one end has seen: how it was agreed to compress, every message, and the end. */
interface Heard {
  readonly extensions: string;
  readonly messages: readonly string[];
  readonly ending: string;
  readonly errors: readonly string[];
}

const TIMES = 4;

/** Sends all messages to an app that sends them back, some of them in fragments; what the client hears. */
async function converse({ client: options, offer, content }: CompressionRun, port: number): Promise<Heard> {
  const headers = offer === undefined ? {} : { 'Sec-WebSocket-Extensions': offer };
  const perMessageDeflate = { threshold: 0, ...options };
  const client = new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate, headers });
  const messages: string[] = [];
  const errors: string[] = [];
  let extensions = '';
  client.on('error', (error) => errors.push(error.message));
  client.once('upgrade', ({ headers }: IncomingMessage) => {
    extensions = headers['sec-websocket-extensions'] ?? 'none';
  });
  client.on('message', (data: Buffer, binary) => {
    messages.push(`${binary ? 'binary' : 'text'} ${data.length} ${createHash('sha256').update(data).digest('hex')}`);
    if (messages.length === TIMES * messageSizes.length) client.close(1000, 'enough');
  });
  client.once('open', () => {
    for (let nth = 0; nth < TIMES; nth++)
      for (const bytes of messageSizes) {
        const message = content(bytes, nth);
        const half = nth % 2 === 0 ? 0 : bytes >> 1;
        if (half > 0) client.send(message.subarray(0, half), { binary: true, fin: false });
        client.send(message.subarray(half), { binary: true });
      }
  });
  const [code, reason] = (await once(client, 'close')) as [number, Buffer];
  return { extensions, messages, ending: `${code} ${String(reason)}`, errors };
}

for (const run of compressionRuns)
  test(`a tunnel makes no difference to endpoints that compress ${run.name} (section ${run.section})`, async () => {
    const perMessageDeflate = { threshold: 0, ...run.server };
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate });
    await once(server, 'listening');
    server.on('connection', (socket) => {
      socket.on('message', (data, binary) => socket.send(data, { binary }));
      socket.on('error', () => {});
    });
    const { port } = server.address() as AddressInfo;
    const gate = await startGate({ upstream: upstreamAt(`http://127.0.0.1:${port}`) });
    const direct = await converse(run, port);
    assert.deepEqual(await converse(run, gate.engine.port), direct);
    assert.equal(direct.messages.length, TIMES * messageSizes.length);
    assert.deepEqual([direct.ending, direct.errors], ['1000 enough', []]);
    assert.match(direct.extensions, /^permessage-deflate/);
    await gate.close();
    server.close();
  });
