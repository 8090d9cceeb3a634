import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { Deadlines } from './deadlines.ts';
import { portOf, Wire } from './engine-testing.ts';
import type { Fields } from './fields.ts';
import { ContentRoom } from './held-content.ts';
import { ClientConnection } from './server-connection.ts';
import { Turn } from './turn.ts';
import { UpstreamPools } from './upstream-pool.ts';

let now: number;
let deadlines: Deadlines;
let server: net.Server;
let client: Wire;
let connection: ClientConnection | undefined;
let connections: Set<ClientConnection>;
/** The fields of each request. */
let read: Fields[];

beforeEach(async () => {
  now = 0;
  read = [];
  connections = new Set();
  deadlines = new Deadlines(1_000_000, () => now);
  const context = {
    handler: {
      decide({ fields }: { readonly fields: Fields }) {
        read.push(fields);
        return { kind: 'reply', reply: { status: 204, fields: [], body: '' } } as const;
      },
      upstreamFailed: () => assert.fail(),
      badRequest: () => assert.fail(),
    },
    limits: { headBytes: 1_000, headerCount: 10, headTimeoutMs: 1_000_000, idleTimeoutMs: 1_000_000 },
    pools: new UpstreamPools(),
    turn: new Turn(),
    contentRoom: new ContentRoom(0),
    tunnels: new Set<never>(),
    dateLine: () => '',
    draining: false,
    stopping: false,
    onError: () => assert.fail(),
  };
  server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const parts = { context, deadlines, connections, remoteAddress: '127.0.0.1', certificateHash: () => undefined };
    connection = new ClientConnection(socket, parts);
    connections.add(connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = new Wire(net.connect(portOf(server), '127.0.0.1'));
});

afterEach(async () => {
  connection?.cancel();
  client.socket.destroy();
  deadlines.close();
  server.close();
  await once(server, 'close');
});

async function ask(): Promise<void> {
  client.received = '';
  client.head('GET / HTTP/1.1', 'Host: app');
  await client.until('204', '\r\n\r\n');
}

test('ClientConnection gives the fields of a block that is repeated as one object', async () => {
  await ask();
  await ask();
  assert.deepEqual(read[1], ['Host', 'app']);
  assert.equal(read[0], read[1]);
});

test('ClientConnection forgets the last fields when it rests, and not while it works', async () => {
  await ask();
  now += 1_000;
  deadlines.look();
  await ask();
  assert.equal(read[0], read[1]);
  now += 10_000;
  deadlines.look();
  await ask();
  assert.deepEqual(read[2], ['Host', 'app']);
  assert.notEqual(read[1], read[2]);
});

test('ClientConnection is held by nobody when it is closed', async () => {
  await ask();
  assert.deepEqual([connections.size, deadlines.timed.size], [1, 1]);
  client.socket.destroy();
  await client.when(() => client.closed);
  while (connection?.socket.closed === false) await once(connection.socket, 'close');
  assert.deepEqual([connections.size, deadlines.timed.size], [0, 0]);
});

test('ClientConnection is held by nobody when it has become a tunnel', async () => {
  await ask();
  connection?.release();
  assert.deepEqual([connections.size, deadlines.timed.size], [0, 0]);
  connection?.socket.destroy();
});
