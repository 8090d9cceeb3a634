import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { type Gate, handshake, startGate, upstreamAt } from '../src/engine-testing.ts';
import { frame } from '../src/websocket-testing.ts';
import { goodbye, type WebSocketCase, websocketCases } from './websocket-cases.ts';

let server: WebSocketServer;
let gate: Gate;
const places: { direct: number; tunnelled: number } = { direct: 0, tunnelled: 0 };

before(async () => {
  const perMessageDeflate = { threshold: 0, concurrencyLimit: 1 };
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate, maxPayload: 16 * 1024 * 1024 });
  server.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    socket.on('error', () => {});
  });
  await once(server, 'listening');
  places.direct = (server.address() as AddressInfo).port;
  gate = await startGate({ upstream: upstreamAt(`http://127.0.0.1:${places.direct}`) });
  places.tunnelled = gate.engine.port;
});

after(async () => {
  for (const socket of server.clients) socket.terminate();
  server.close();
  await gate.close();
});

/** All that an endpoint says to these pieces, from the status line on, until it ends the connection. */
async function saidTo(
  { pieces, extension }: WebSocketCase,
  port: number,
): Promise<{ fields: string[]; frames: Buffer }> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.setNoDelay(true);
  socket.on('error', () => {});
  const chunks: Buffer[] = [];
  const answered = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (Buffer.concat(chunks.slice(0, 3)).includes('\r\n\r\n')) answered.resolve();
  });
  const ended = new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
  const offer = extension === undefined ? [] : [`Sec-WebSocket-Extensions: ${extension}`];
  socket.write(['GET /ws HTTP/1.1', ...handshake, ...offer, '', ''].join('\r\n'));
  await answered.promise;
  for (const [i, piece] of [...pieces, goodbye].entries()) {
    socket.write(piece);
    if (i < 400) await turn();
  }
  await ended;
  socket.destroy();
  const all = Buffer.concat(chunks);
  const head = all.indexOf('\r\n\r\n');
  const fields = all.toString('latin1', 0, head).toLowerCase().split('\r\n');
  // Those of the connection are the gate's own, and it adds the date to an answer that has none.
  return {
    fields: fields.filter((field) => !/^(?:connection|date):/.test(field)).sort(),
    frames: all.subarray(head + 4),
  };
}

const digest = (bytes: Buffer): string =>
  bytes.length < 200 ? bytes.toString('hex') : `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;

for (const each of websocketCases)
  test(`a tunnel makes no difference to a server that is sent ${each.name}`, async () => {
    const direct = await saidTo(each, places.direct);
    const tunnelled = await saidTo(each, places.tunnelled);
    assert.deepEqual(tunnelled.fields, direct.fields);
    assert.equal(digest(tunnelled.frames), digest(direct.frames));
    assert.equal(direct.frames.length > 0, true);
  });

/** What a client makes of these bytes of a server. */
async function heardFrom(pieces: readonly Uint8Array[], through: 'nothing' | 'gate'): Promise<string[]> {
  const source = net.createServer((socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.once('data', (head) => {
      const key = /sec-websocket-key: (\S+)/i.exec(String(head))?.[1] ?? '';
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
      socket.write(['HTTP/1.1 101 Switching Protocols', ...fields, '', ''].join('\r\n'));
      for (const piece of pieces) socket.write(piece);
      socket.end(frame({ opcode: 8, payload: Buffer.from('03e8', 'hex') }));
    });
  });
  source.listen(0, '127.0.0.1');
  await once(source, 'listening');
  const { port } = source.address() as AddressInfo;
  const between =
    through === 'gate' ? await startGate({ upstream: upstreamAt(`http://127.0.0.1:${port}`) }) : undefined;
  const heard: string[] = [];
  const client = new WebSocket(`ws://127.0.0.1:${between?.engine.port ?? port}/ws`, { perMessageDeflate: false });
  client.on('message', (data, binary) => heard.push(`${binary ? 'binary' : 'text'} ${digest(data as Buffer)}`));
  client.on('ping', (data) => heard.push(`ping ${digest(data)}`));
  client.on('pong', (data) => heard.push(`pong ${digest(data)}`));
  client.on('error', (error) => heard.push(`error ${error.message}`));
  await new Promise<void>((resolve) => {
    client.once('close', (closeCode, reason) => {
      heard.push(`close ${closeCode} ${String(reason)}`);
      resolve();
    });
  });
  await between?.close();
  source.close();
  return heard;
}

/** The same frames as a server sends them: without masks. */
function unmasked(piece: Uint8Array): Buffer {
  const bytes = Buffer.from(piece);
  const short = (bytes[1] as number) & 0x7f;
  const maskAt = short === 127 ? 10 : short === 126 ? 4 : 2;
  const mask = bytes.subarray(maskAt, maskAt + 4);
  const payload = bytes.subarray(maskAt + 4).map((byte, at) => byte ^ (mask[at % 4] as number));
  bytes[1] = short;
  return Buffer.concat([bytes.subarray(0, maskAt), payload]);
}

const oneFrameEach =
  /^(?:text|binary) of (?!1000000)|^ping (?:with|of 12[56] bytes$)|^reserved|fragments|^UTF-8|^close with/;
const spoken = websocketCases.filter(
  ({ name, extension }) =>
    extension === undefined &&
    oneFrameEach.test(name) &&
    !name.includes('byte by byte') &&
    !name.includes('one packet'),
);

for (const { name, pieces } of spoken)
  test(`a tunnel makes no difference to a client that is sent ${name}`, async () => {
    const answers = pieces.map(unmasked);
    assert.deepEqual(await heardFrom(answers, 'gate'), await heardFrom(answers, 'nothing'));
  });
