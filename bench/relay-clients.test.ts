import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RelayClients, type RelayKind } from './relay-clients.ts';
import { type RelayUpstream, startRelayUpstream } from './relay-upstream.ts';

async function opened(t: TestContext, kind: RelayKind, count: number): Promise<[RelayClients, RelayUpstream]> {
  const upstream = await startRelayUpstream();
  const clients = new RelayClients();
  t.after(() => {
    clients.close();
    upstream.close();
  });
  await clients.open({ kind, port: upstream.port, cookie: 'a=1', count });
  return [clients, upstream];
}

test('RelayClients opens as many connections as it is told, and further ones', async (t) => {
  const [clients, { port }] = await opened(t, 'kept', 20);
  await clients.open({ kind: 'kept', port, cookie: '', count: 3 });
  assert.equal(clients.count, 23);
});

test('RelayClients sees every message of event streams arrive', async (t) => {
  const [clients, upstream] = await opened(t, 'events', 5);
  const load = await clients.run(1_000, 0.1, (index) => upstream.send(`${upstream.port}-${index}`));
  assert.equal(load.requests, 100);
  assert.equal(load.failures, 0);
});

test('RelayClients sees every message of a WebSocket come back', async (t) => {
  const [clients] = await opened(t, 'websocket', 5);
  const load = await clients.run(1_000, 0.1, (index) => clients.sendFrame(index));
  assert.equal(load.requests, 100);
  assert.equal(load.failures, 0);
});

test('RelayClients counts a message that nobody sent as a failure', async (t) => {
  const [clients, upstream] = await opened(t, 'events', 2);
  const load = await clients.run(1_000, 0.02, (index) => {
    upstream.send(`${upstream.port}-${index}`);
    if (index === 0) upstream.send(`${upstream.port}-0`);
  });
  assert.ok(load.failures > 0);
});
