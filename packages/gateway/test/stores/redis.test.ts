import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { until } from '../until.ts';
import { noRedis, startRedis } from '../redis.ts';
import { Secret } from '../../src/core/secret.ts';
import { StoreUnavailable } from '../../src/ports/store-unavailable.ts';
import { redisForTests } from './redis-testing.ts';

const { connect } = redisForTests();
const options = { skip: noRedis };
const folder = mkdtempSync(join(tmpdir(), 'cardea-redis-test-'));
after(() => rmSync(folder, { recursive: true }));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A certificate for 127.0.0.1 that vouches for itself. */
function certificate(name: string): { readonly key: string; readonly cert: string } {
  const [key, cert] = [join(folder, `${name}-key.pem`), join(folder, `${name}.pem`)];
  execFileSync(
    'openssl',
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=redis -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${cert}`.split(
      ' ',
    ),
    { stdio: 'ignore' },
  );
  return { key, cert };
}

/** The trouble of one attempt, as whoever logs everything about it would see it. */
async function troubleOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => assert.fail('it was to fail'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StoreUnavailable, inspect(error));
  return inspect(error, { depth: 10, showHidden: true });
}

test('openRedis() asks by socket, and waits for the first connection', options, async () => {
  const { redis } = connect();
  await redis.ping();
  assert.equal(redis.connections, 1);
});

test('openRedis() puts all keys of a prefix into one hash slot', () => {
  const { redis } = connect({ url: 'unix:/nowhere', prefix: 'cardea' });
  assert.equal(redis.key('a:b'), '{cardea}:a:b');
});

test('openRedis() asks by TCP, in the numbered database, with user and password', options, async () => {
  const port = await freePort();
  const server = await startRedis(['--bind', '127.0.0.1', '--port', String(port)], `redis://127.0.0.1:${port}/3`);
  await connect({ url: server.url }).redis.run(async (client) => {
    await client.call('ACL', 'SETUSER', 'cardea', 'on', '>hunter2', '~*', '+@all');
    await client.call('ACL', 'SETUSER', 'default', 'off');
  });
  const { redis } = connect({ url: server.url, user: 'cardea', password: new Secret('hunter2') });
  await redis.run((client) => client.set('a', '1'));
  assert.match(await redis.run((client) => client.info('keyspace')), /db3:keys=1/);

  const { redis: wrong, trouble } = connect({ url: server.url, user: 'cardea', password: new Secret('battery') });
  const said = await troubleOf(wrong.ping());
  assert.match(said, /does not take this user name and password/);
  assert.doesNotMatch(said + trouble.join(), /battery|hunter2/);
  assert.equal(trouble.length, 1);

  const { redis: none } = connect({ url: server.url });
  assert.match(await troubleOf(none.ping()), /wants a password/);
  await server.close();
});

test('openRedis() asks by TLS, and trusts nobody but the authority that it was given', options, async () => {
  const { key, cert } = certificate('right');
  const port = await freePort();
  const server = await startRedis(
    `--bind 127.0.0.1 --tls-port ${port} --tls-cert-file ${cert} --tls-key-file ${key} --tls-auth-clients no`.split(
      ' ',
    ),
    `rediss://127.0.0.1:${port}`,
  );
  await connect({ url: server.url, ca: readFileSync(cert, 'utf8') }).redis.ping();
  const other = readFileSync(certificate('other').cert, 'utf8');
  for (const ca of [undefined, other])
    assert.match(await troubleOf(connect({ url: server.url, ca }).redis.ping()), /certificate is self-signed/);
  await server.close();
});

test('openRedis() fails at once while nothing listens, and says so once', options, async () => {
  const { redis, trouble } = connect({ url: `unix:${join(folder, 'nothing.sock')}` });
  assert.match(await troubleOf(redis.ping()), /there is no such socket/);
  const started = performance.now();
  for (let i = 0; i < 100; i++) await assert.rejects(redis.ping(), StoreUnavailable);
  assert.ok(performance.now() - started < 1_000);
  assert.equal(trouble.length, 1);
});

test('openRedis() reports an outage once, comes back by itself, and reports that once', options, async () => {
  const server = await startRedis();
  const { redis, trouble, recovery } = connect({ url: server.url });
  await redis.ping();
  await server.kill();
  for (let i = 0; i < 20; i++) await assert.rejects(redis.ping(), StoreUnavailable);
  await server.start();
  await until(() => recovery.length > 0, 'the recovery');
  await redis.ping();
  assert.deepEqual([trouble.length, recovery.length, redis.connections], [1, 1, 2]);
  await server.close();
});

test('openRedis() tries again and again, and says once that it fails', async () => {
  let attempts = 0;
  const deaf = createServer((socket) => {
    attempts++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
  const { port } = deaf.address() as AddressInfo;
  const { redis, trouble } = connect({ url: `redis://127.0.0.1:${port}` });
  await until(() => attempts > 4, 'some attempts');
  assert.equal(trouble.length, 1);
  await redis.close();
  deaf.close();
});

test('openRedis() gives up on a server that hangs, then fails at once, then comes back', options, async () => {
  const server = await startRedis();
  const { redis, trouble, recovery } = connect({ url: server.url, timeoutMs: 100 });
  await redis.ping();
  server.pause();
  const started = performance.now();
  assert.match(await troubleOf(redis.ping()), /does not answer in time/);
  assert.ok(performance.now() - started < 1_000);
  await until(() => trouble.length > 0, 'the outage');
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const again = performance.now();
    await assert.rejects(redis.ping(), StoreUnavailable);
    times.push(performance.now() - again);
  }
  assert.ok(Math.min(...times) < 50, 'on a busy machine, not each of them');
  server.resume();
  await until(() => recovery.length > 0, 'the recovery');
  await redis.ping();
  await server.close();
});

test(
  'openRedis() gives no answer twice: a command whose answer was lost fails, and is not sent again',
  options,
  async () => {
    const server = await startRedis();
    const { redis, recovery } = connect({ url: server.url });
    await redis.ping();
    server.pause();
    const lost = assert.rejects(
      redis.run((client) => client.incr('count')),
      StoreUnavailable,
    );
    await server.kill();
    await lost;
    await server.start();
    await until(() => recovery.length > 0, 'the recovery');
    assert.equal(await redis.run((client) => client.get('count')), null);
    await server.close();
  },
);

test('openRedis() says nothing of a command and its arguments when Redis refuses it', options, async () => {
  const { redis, trouble } = connect();
  await redis.run((client) => client.set(redis.key('text'), 'hunter2'));
  for (const work of [
    () => redis.run((client) => client.lpush(redis.key('text'), 'hunter2')),
    () => redis.run((client) => client.call('NOSUCH', 'hunter2')),
    () => redis.script('return redis.call("hunter2")')([], ['hunter2']),
  ])
    assert.doesNotMatch(await troubleOf(work()), /hunter2/);
  assert.ok(trouble.length > 0);
  assert.doesNotMatch(trouble.join(), /hunter2/);
});

test('openRedis() reports a full memory once, though every write fails', options, async () => {
  const server = await startRedis(['--maxmemory', '1', '--maxmemory-policy', 'noeviction']);
  const { redis, trouble } = connect({ url: server.url });
  for (let i = 0; i < 5; i++)
    assert.match(await troubleOf(redis.run((client) => client.set('a', 'b'))), /memory is full/);
  assert.equal(trouble.filter((line) => /memory is full/.test(line)).length, 1);
  await server.close();
});

test('openRedis() warns of a server that may evict what it was given', options, async () => {
  const server = await startRedis(['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru']);
  const { redis, trouble } = connect({ url: server.url });
  await redis.ping();
  await until(() => trouble.length > 0, 'the warning');
  assert.match(trouble.join(), /allkeys-lru.*noeviction/);
  await server.close();
});

test('openRedis() runs a script that the server has forgotten', options, async () => {
  const { redis } = connect();
  const script = redis.script('return { KEYS[1], ARGV[1] }');
  assert.deepEqual(await script(['a'], ['b']), ['a', 'b']);
  await redis.run((client) => client.script('FLUSH'));
  assert.deepEqual(await script(['a'], ['b']), ['a', 'b']);
});

test('openRedis() keeps to its timeout when the server takes connections and says nothing', async () => {
  const silent: Server = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const { redis } = connect({ url: `redis://127.0.0.1:${port}`, timeoutMs: 400 });
  const started = performance.now();
  await troubleOf(redis.ping());
  assert.ok(performance.now() - started < 2_000);
  await redis.close();
  silent.close();
});

test('openRedis() soon asks again whether a server that reads its disk has done so, however long that guesses it will take', async (t) => {
  let questions = 0;
  // A stand-in: how long a real one guesses depends on where in a second it was started.
  const reading = createServer((socket) => {
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      for (const command of data.toString().split(/(?=\*\d+\r\n\$)/)) {
        const info = /\r\ninfo\r\n/i.test(command);
        if (info) questions++;
        const told = questions === 1 ? 'loading:1\r\nloading_eta_seconds:9' : 'loading:0';
        socket.write(info ? `$${told.length}\r\n${told}\r\n` : '+PONG\r\n');
      }
    });
  });
  t.after(() => reading.close());
  await new Promise<void>((resolve) => reading.listen(0, '127.0.0.1', resolve));
  const { port } = reading.address() as AddressInfo;
  const { redis } = connect({ url: `redis://127.0.0.1:${port}`, timeoutMs: 3_000 });
  await redis.ping();
  assert.ok(questions > 1);
});

test('openRedis() asks nothing more after it was closed, and close() may come twice', options, async () => {
  const { redis, trouble } = connect();
  await redis.ping();
  await redis.close();
  await redis.close();
  await assert.rejects(redis.ping(), StoreUnavailable);
  assert.deepEqual(trouble, []);
});
