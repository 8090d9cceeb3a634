import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { freePort, isListening, waitForPort } from './ports.ts';

test('freePort() gives a port that nobody listens on and that can be taken', async (t) => {
  const port = await freePort();
  assert.equal(await isListening('127.0.0.1', port), false);
  const server = createServer().listen(port, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  assert.equal(await isListening('127.0.0.1', port), true);
});

test('waitForPort() is there when a port opens while it waits', async (t) => {
  const port = await freePort();
  const server = createServer();
  t.after(() => server.close());
  let looks = 0;
  const opens = waitForPort('127.0.0.1', port, () => {
    if (++looks === 2) server.listen(port, '127.0.0.1');
    return false;
  });
  assert.equal(await opens, true);
});

test('waitForPort() gives up when it is told to', async () =>
  assert.equal(await waitForPort('127.0.0.1', await freePort(), () => true), false));

test('waitForPort() gives up when the time is over', async () =>
  assert.equal(await waitForPort('127.0.0.1', await freePort(), () => false, 30), false));
