import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import {
  type ChannelCredentials,
  Client,
  credentials,
  type handleUnaryCall,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { healthService } from './ext-authz-service.ts';
import { grpcForTest as open } from './grpc-testing.ts';

const pem = (name: string): string => readFileSync(join(import.meta.dirname, '../../test/check/files', name), 'utf8');
const own = { cert: pem('gateway.pem'), key: pem('gateway.key') };

interface Call {
  readonly message?: Buffer;
  readonly by?: ChannelCredentials;
}

/** As Envoy calls: by the path, with the bytes of the message. */
const call = (
  t: TestContext,
  port: number,
  { message = Buffer.alloc(0), by = credentials.createInsecure() }: Call = {},
): Promise<Buffer | number> => {
  const client = new Client(`127.0.0.1:${port}`, by, {
    'grpc.ssl_target_name_override': 'desk.corp.example',
    'grpc.default_authority': 'desk.corp.example',
    'grpc.enable_retries': 0,
  });
  t.after(() => client.close());
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve) =>
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      same,
      same,
      message,
      { deadline: Date.now() + 120_000 },
      (error: ServiceError | null, answer?: Buffer) => resolve(error?.code ?? answer ?? -1),
    ),
  );
};
const serving = Buffer.from([8, 1]);
const notServing = Buffer.from([8, 2]);
const bytes = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text));
const asked = (service: string): Buffer => Buffer.concat([Buffer.from([10, service.length]), Buffer.from(service)]);

suite('openGrpcListener()', () => {
  test('answers health checks for the process and for the service, and knows no other', async (t) => {
    let isServing = true;
    const { port } = await open(t, { services: [healthService(() => isServing)] });
    assert.deepEqual(await call(t, port), serving);
    const authorization = { message: asked('envoy.service.auth.v3.Authorization') };
    assert.deepEqual(await call(t, port, authorization), serving);
    assert.equal(await call(t, port, { message: asked('other') }), status.NOT_FOUND);
    isServing = false;
    assert.deepEqual(await call(t, port, authorization), notServing);
  });

  test('closes the connection of a stranger without a byte, and tells of it', async (t) => {
    const strangers: string[] = [];
    const { port } = await open(t, { isPeer: () => false, onStranger: (address) => strangers.push(address) });
    const socket = connect(port, '127.0.0.1');
    let bytes = 0;
    socket.on('data', (data) => (bytes += data.length));
    socket.on('error', () => {});
    await once(socket, 'close');
    assert.deepEqual([strangers, bytes], [['127.0.0.1'], 0]);
    assert.equal(await call(t, port), status.UNAVAILABLE);
  });

  test('speaks TLS, with another certificate from when it is replaced', async (t) => {
    const refused: string[] = [];
    const listener = await open(t, { tls: own, onRefused: (address) => refused.push(address) });
    const { port } = listener;
    const ssl = (cert: string) =>
      credentials.createSsl(Buffer.from(cert), null, null, { checkServerIdentity: () => undefined });
    assert.deepEqual(await call(t, port, { by: ssl(own.cert) }), serving);
    assert.equal(await call(t, port), status.UNAVAILABLE);
    assert.ok(refused.includes('127.0.0.1'));
    listener.replaceCertificate({ cert: pem('wiki.pem'), key: own.key });
    assert.deepEqual(await call(t, port, { by: ssl(pem('wiki.pem')) }), serving);
    assert.equal(await call(t, port, { by: ssl(own.cert) }), status.UNAVAILABLE);
  });

  test('asks for a certificate of its authority, and takes no connection without one', async (t) => {
    const { port } = await open(t, { tls: { ...own, clientCa: pem('wiki.pem') } });
    const ssl = (key: string | null, cert: string | null) =>
      credentials.createSsl(Buffer.from(own.cert), bytes(key), bytes(cert), {
        checkServerIdentity: () => undefined,
      });
    assert.deepEqual(await call(t, port, { by: ssl(own.key, pem('wiki.pem')) }), serving);
    assert.equal(await call(t, port, { by: ssl(null, null) }), status.UNAVAILABLE);
    assert.equal(await call(t, port, { by: ssl(own.key, own.cert) }), status.UNAVAILABLE);
  });

  test('asks for a certificate of another authority from when that is replaced', async (t) => {
    const listener = await open(t, { tls: { ...own, clientCa: pem('wiki.pem') } });
    listener.replaceCertificate({ ...own, clientCa: own.cert });
    const ssl = (cert: string) =>
      credentials.createSsl(Buffer.from(own.cert), bytes(own.key), bytes(cert), {
        checkServerIdentity: () => undefined,
      });
    assert.deepEqual(await call(t, listener.port, { by: ssl(own.cert) }), serving);
    assert.equal(await call(t, listener.port, { by: ssl(pem('wiki.pem')) }), status.UNAVAILABLE);
  });

  test('takes messages up to a megabyte, and says how many calls may be under way', async (t) => {
    const { port } = await open(t);
    assert.deepEqual(await call(t, port, { message: unknownField(1_000_000) }), serving);
    assert.equal(await call(t, port, { message: unknownField(1_100_000) }), status.RESOURCE_EXHAUSTED);
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    t.after(() => session.destroy());
    const [settings] = await once(session, 'remoteSettings');
    assert.equal(settings.maxConcurrentStreams, 256);
  });

  test('drain() lets calls under way be answered, and takes no more connections', async (t) => {
    const { arrived, answer, services } = slow();
    const listener = await open(t, { services });
    const answered = call(t, listener.port);
    await arrived;
    const drained = listener.drain(20_000);
    assert.equal(await call(t, listener.port), status.UNAVAILABLE);
    answer();
    assert.deepEqual(await answered, serving);
    await drained;
  });

  test('drain() ends what is still under way after the grace', async (t) => {
    const { arrived, services } = slow();
    const listener = await open(t, { services });
    const answered = call(t, listener.port);
    await arrived;
    await listener.drain(20);
    assert.equal(typeof (await answered), 'number');
  });

  test('shares its port with another one that wants it so', { skip: process.platform !== 'linux' }, async (t) => {
    const { port } = await open(t, { reusePort: true });
    await open(t, { reusePort: true, port });
    await assert.rejects(open(t, { port }), /EADDRINUSE/);
  });
});

/** A message of so many bytes in a field that nobody has declared. */
function unknownField(bytes: number): Buffer {
  const length = [(bytes & 127) | 128, ((bytes >> 7) & 127) | 128, bytes >> 14];
  return Buffer.concat([Buffer.from([0x7a, ...length]), Buffer.alloc(bytes)]);
}

/** A service that answers when it is told. */
function slow() {
  const { promise: arrived, resolve: onArrived } = Promise.withResolvers<void>();
  const { promise: released, resolve: answer } = Promise.withResolvers<void>();
  const { definition } = healthService(() => true);
  const Check: handleUnaryCall<object, object> = (_call, callback) => {
    onArrived();
    void released.then(() => callback(null, { status: 1 }));
  };
  return { arrived, answer, services: [{ definition, implementation: { Check } }] };
}
