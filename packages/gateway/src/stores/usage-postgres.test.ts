/** What needs no PostgreSQL, because there is none: the rest is in test/lab/usage-postgres.test.ts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { Secret } from '../core/secret.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { PostgresOptions } from './postgres.ts';
import { aRecord } from './usage.contract.ts';
import { postgresUsage } from './usage-postgres.ts';

const question = { by: 'person', since: 0, until: 2e12, app: undefined } as const;

/** A server that takes connections and says what `answer` does; closed at the end of the test. */
async function listen(answer: (socket: Socket, asked: Buffer) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('data', (asked) => answer(socket, Buffer.from(asked)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  return { server, port: address.port };
}

const at = (port: number, more: Partial<PostgresOptions> = {}): PostgresOptions => ({
  place: { host: '127.0.0.1', port, database: 'cardea' },
  user: 'cardea',
  password: new Secret('hunter2'),
  tls: false,
  timeoutMs: 300,
  ...more,
});

/** A store on that, and what it has said so far. */
function openOn(postgres: PostgresOptions, more: { readonly maxWaiting?: number; readonly retryMs?: number } = {}) {
  const said: string[] = [];
  const first = Promise.withResolvers<void>();
  const say = (message: string): void => {
    said.push(message);
    if (message.includes('cannot be written')) first.resolve();
  };
  const store = postgresUsage({
    postgres,
    retainMs: 86_400_000,
    onTrouble: say,
    onRecovery: say,
    delayMs: 1,
    ...more,
  });
  return { store, said, waits: first.promise };
}

/** A port where nothing listens. */
async function closedPort(): Promise<number> {
  const { server, port } = await listen(() => {});
  server.close();
  await once(server, 'close');
  return port;
}

test('postgresUsage() takes records without a server, keeps a bounded number, and counts what it loses', async () => {
  const port = await closedPort();
  const { store, said, waits } = openOn(at(port), { maxWaiting: 10 });
  for (let i = 0; i < 25; i++) store.record(aRecord());
  await waits;
  await store.close();
  const down = `PostgreSQL at 127.0.0.1:${port} cannot be used: nothing listens there`;
  assert.deepEqual(said.toSorted(), [
    `Usage cannot be kept yet: ${down}`,
    `Usage records cannot be written and wait: ${down}`,
    `Usage records lost: 10: ${down}`,
    'Usage records lost: 15, because 10 were waiting already',
  ]);
});

test('postgresUsage() says once that it cannot write, however often it tries', async (t) => {
  let tries = 0;
  const { promise: tried, resolve } = Promise.withResolvers<void>();
  const { server, port } = await listen((socket) => {
    socket.destroy();
    if (++tries === 6) resolve();
  });
  t.after(() => server.close());
  const { store, said } = openOn(at(port), { retryMs: 1 });
  store.record(aRecord());
  await tried;
  assert.equal(said.filter((message) => message.includes('and wait')).length, 1);
  await store.close();
});

test('postgresUsage() says at its start that the server cannot be used, before there is any record', async () => {
  const port = await closedPort();
  const { promise: told, resolve } = Promise.withResolvers<string>();
  const store = postgresUsage({
    postgres: at(port),
    retainMs: 86_400_000,
    onTrouble: resolve,
    onRecovery: assert.fail,
  });
  assert.match(await told, /^Usage cannot be kept yet: PostgreSQL at .*: nothing listens there$/);
  await store.close();
});

test('postgresUsage() says StoreUnavailable to questions when the server does not answer in time', async (t) => {
  const { server, port } = await listen(() => {});
  t.after(() => server.close());
  const { store } = openOn(at(port));
  await assert.rejects(store.query(question), (error) => {
    assert(error instanceof StoreUnavailable);
    return error.message.endsWith(': it does not answer in time');
  });
  await store.close();
});

test('postgresUsage() closes in spite of a server that hangs, and leaves no connection', async (t) => {
  const open = new Set<Socket>();
  const { server, port } = await listen(() => {});
  server.on('connection', (socket) => open.add(socket.once('close', () => open.delete(socket))));
  t.after(() => server.close());
  const { store, said } = openOn(at(port));
  store.record(aRecord());
  await store.close();
  assert.match(said.at(-1) ?? '', /^Usage records lost: 1: .*does not answer in time$/);
  for (const socket of open) await once(socket, 'close');
});

for (const [what, answer] of [
  ['has none', 'N'],
  ['puts something before it', 'SX'],
] as const)
  test(`postgresUsage() wants TLS, and sends nothing to a server that ${what}`, async (t) => {
    const asked: Buffer[] = [];
    const { server, port } = await listen((socket, bytes) => {
      asked.push(bytes);
      socket.write(answer);
    });
    t.after(() => server.close());
    const { store } = openOn(at(port, { tls: { ca: undefined } }));
    await assert.rejects(store.query(question), /it does not speak TLS/);
    await store.close();
    const sslRequest = Buffer.of(0, 0, 0, 8, 4, 210, 22, 47);
    for (const bytes of asked) assert.deepEqual(bytes, sslRequest);
  });
