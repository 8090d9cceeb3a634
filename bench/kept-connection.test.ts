import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { KeptConnection } from './kept-connection.ts';

async function connectionTo(
  t: TestContext,
  answer: (socket: Socket, request: string) => void,
): Promise<KeptConnection> {
  const server = createServer((socket) => socket.on('data', (chunk) => answer(socket, chunk.toString())));
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address !== 'string');
  const connection = await KeptConnection.open({ port: address.port });
  t.after(() => connection.close());
  return connection;
}

const response = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

test('KeptConnection answers each request with its response, however that was packeted', async (t) => {
  const connection = await connectionTo(t, (socket, request) => {
    for (const byte of response(request)) socket.write(byte);
  });
  assert.equal(await connection.ask('one'), response('one'));
  assert.equal(await connection.ask('two'), response('two'));
});

test('KeptConnection rejects when the server closes instead of answering, and from then on', async (t) => {
  const connection = await connectionTo(t, (socket) => socket.end());
  await assert.rejects(connection.ask('one'), /closed a connection/);
  await assert.rejects(connection.ask('two'), /closed a connection/);
});
