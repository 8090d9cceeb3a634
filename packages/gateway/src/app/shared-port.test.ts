import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { canSharePorts, tryListen } from './shared-port.ts';

const failing = (code: string) => async () => {
  throw Object.assign(new Error(code), { code, syscall: 'listen' });
};

for (const code of ['ENOTSUP', 'EINVAL', 'ENOPROTOOPT'])
  test(`canSharePorts() takes ${code} for a system that cannot`, async () => {
    assert.equal(await canSharePorts('127.0.0.1', failing(code)), false);
  });

test('canSharePorts() throws what is no answer to the question', async () => {
  await assert.rejects(canSharePorts('127.0.0.1', failing('EADDRNOTAVAIL')), { code: 'EADDRNOTAVAIL' });
});

test('canSharePorts() is right on this system', async () => {
  assert.equal(await canSharePorts('127.0.0.1'), process.platform === 'linux' || process.platform === 'freebsd');
});

test('tryListen() finds a port taken, also by somebody who would share it', async (t) => {
  const server = createServer();
  t.after(() => server.close());
  const reusePort = await canSharePorts('127.0.0.1');
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0, reusePort }, resolve));
  const { port } = server.address() as AddressInfo;
  await assert.rejects(tryListen({ host: '127.0.0.1', port }), { code: 'EADDRINUSE', syscall: 'listen' });
});
