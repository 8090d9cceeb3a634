import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openFiles } from '../../config/files.ts';
import { checkConfig } from '../../config/load.ts';
import { healthService } from '../../server/ext-authz-service.ts';
import type { GrpcListenerOptions } from '../../server/grpc-listener.ts';
import { grpcForTest } from '../../server/grpc-testing.ts';
import type { Env } from '../check.ts';
import { extAuthz } from './ext-authz.ts';

const pem = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../../test/check/files', name), 'utf8');
const own = { cert: pem('gateway.pem'), key: pem('gateway.key') };

/** A real listener; its port. */
const open = async (t: TestContext, options: Partial<GrpcListenerOptions> = {}): Promise<number> =>
  (await grpcForTest(t, options)).port;

interface Asked {
  readonly host?: string;
  readonly trusted?: string;
  readonly from?: string;
  readonly tls?: object;
}

/** What doctor finds about a listener on this port, by this configuration. */
async function findings(port: number, { host = '127.0.0.1', trusted = '127.0.0.1', from, tls }: Asked = {}) {
  const text = JSON.stringify({
    trusted_proxies: [trusted],
    forward_auth: {
      proxy: 'envoy',
      ...(from === undefined ? {} : { from: [from] }),
      grpc: { address: `${host}:${port}`, tls },
    },
    apps: [{ name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:1', rules: [{ path: '/**', public: true }] }],
  });
  const loaded = checkConfig(text, 'f', openFiles('.'), { env: {}, now: 0, withFiles: false });
  if (loaded.kind === 'wrong') throw new Error(JSON.stringify(loaded.problems));
  const env: Partial<Env> = { loaded, addresses: ['127.0.0.1', '::1'], attemptMs: 10_000 };
  // The check looks at nothing else.
  const found = await extAuthz.run(env as Env);
  return found.map(({ id, verdict, seen }) => `${id} ${verdict}: ${seen}`);
}

test('ext-authz passes where a listener answers', async (t) => {
  const port = await open(t);
  assert.deepEqual(await findings(port), ['grpc-answers pass: it serves']);
});

test('ext-authz asks an address of this machine where the listener has all of them', async (t) => {
  const port = await open(t, { host: '0.0.0.0' });
  assert.deepEqual(await findings(port, { host: '0.0.0.0' }), ['grpc-answers pass: it serves']);
});

test('ext-authz asks over TLS, whatever the certificate', async (t) => {
  const port = await open(t, { tls: own });
  const tls = { cert: 'gateway.pem', key: 'gateway.key' };
  assert.deepEqual(await findings(port, { tls }), ['grpc-answers pass: it serves']);
});

test('ext-authz fails where nothing listens', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  assert.deepEqual(await findings(port), ['grpc-answers fail: the connection was refused']);
});

test('ext-authz fails where something else answers', async (t) => {
  const server = createServer((socket) => void socket.on('error', () => {}).end('SSH-2.0-OpenSSH\r\n')).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const [found = ''] = await findings(port);
  assert.match(found, /^grpc-answers fail: no answer by gRPC/);
});

test('ext-authz fails where a gateway is ending', async (t) => {
  const port = await open(t, { services: [healthService(() => false)] });
  assert.deepEqual(await findings(port), ['grpc-answers fail: it does not serve: it is ending, or something else']);
});

test('ext-authz fails where this machine may ask and is cut off', async (t) => {
  const port = await open(t, { isPeer: () => false });
  const [found = ''] = await findings(port);
  assert.match(found, /^grpc-answers fail: no answer by gRPC/);
});

test('ext-authz does not know where this machine may not ask', async (t) => {
  const port = await open(t);
  for (const asked of [{ trusted: '192.0.2.1' }, { trusted: '127.0.0.0/8', from: '127.0.0.7' }]) {
    const [found = ''] = await findings(port, asked);
    assert.match(found, /^grpc-answers unknown: .*none of those that may ask/);
  }
});

test('ext-authz does not know where a certificate is wanted', async (t) => {
  const port = await open(t, { tls: { ...own, clientCa: pem('wiki.pem') } });
  const tls = { cert: 'gateway.pem', key: 'gateway.key', client_ca: 'wiki.pem' };
  const [found = ''] = await findings(port, { tls });
  assert.match(found, /^grpc-answers unknown: .*certificate/);
});

test('ext-authz has nothing to say without such a listener', async () => {
  const text = JSON.stringify({
    apps: [{ name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:1', rules: [{ path: '/**', public: true }] }],
  });
  const loaded = checkConfig(text, 'f', openFiles('.'), { env: {}, now: 0, withFiles: false });
  assert.ok(loaded.kind === 'ok');
  const env: Partial<Env> = { loaded };
  assert.deepEqual(await extAuthz.run(env as Env), []);
});
