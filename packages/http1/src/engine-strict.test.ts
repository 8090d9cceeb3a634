import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { startEngine } from './server.ts';
import { gateForTests, upstreamAt, Wire } from './engine-testing.ts';

const here = gateForTests();
const { open } = here;

const request = (...fields: readonly string[]): string => ['GET / HTTP/1.1', ...fields, '', ''].join('\r\n');

const refused: readonly (readonly [what: string, bytes: string, status: number])[] = [
  ['a line that is no request', 'HELLO\r\n\r\n', 400],
  ['an unknown method', 'FETCH / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an unknown version', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 400],
  ['HTTP/2 without a preface', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['no Host', request(), 400],
  ['two Hosts', request('Host: a', 'Host: a'), 400],
  ['a bare line feed', 'GET / HTTP/1.1\nHost: a\n\n', 400],
  ['a blank before the colon', request('Host: a', 'X : 1'), 400],
  ['a folded line', request('Host: a', 'X: 1', ' 2'), 400],
  ['a NUL in a value', request('Host: a', 'X: a\0b'), 400],
  ['two different lengths', request('Host: a', 'Content-Length: 1', 'Content-Length: 2'), 400],
  ['a length with a sign', request('Host: a', 'Content-Length: +1'), 400],
  ['length and chunks together', request('Host: a', 'Content-Length: 1', 'Transfer-Encoding: chunked'), 400],
  ['chunked twice', request('Host: a', 'Transfer-Encoding: chunked, chunked'), 400],
  ['an unknown transfer coding', request('Host: a', 'Transfer-Encoding: xchunked'), 400],
  ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 405],
  ['one field too many', request('Host: a', ...Array.from({ length: 100 }, (_, i) => `X-${i}: 1`)), 431],
  ['very many fields', request('Host: a', ...Array.from({ length: 3_000 }, (_, i) => `X-${i}: 1`)), 431],
  ['a head that is too long', request('Host: a', `X: ${'x'.repeat(66_000)}`), 431],
];

for (const [what, bytes, status] of refused) {
  test(`engine refuses ${what} with ${status}, closes, and sends nothing on`, async () => {
    const client = await open();
    client.send(bytes);
    const answer = await client.end();
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} [^\\r]*\\r\\n`));
    assert.match(answer, /\r\nConnection: close\r\n/);
    assert.match(answer, /\r\n\r\nbad: /);
    assert.equal(here.upstream.connections.length, 0);
    assert.equal(here.gate?.heads.length, 0);
  });
}

test('engine takes as many fields as allowed, and a head of nearly 64 KiB', async () => {
  const client = await open();
  client.head(
    'GET / HTTP/1.1',
    'Host: a',
    ...Array.from({ length: 98 }, (_, i) => `X-${i}: 1`),
    `X: ${'x'.repeat(64_000)}`,
  );
  const server = await here.upstream.next();
  assert.match(await server.until('\r\n\r\n'), /\r\nX-97: 1\r\n/);
});

test('engine answers 408 to a head that does not end', async () => {
  const client = await open({ limits: { headTimeoutMs: 100 } });
  client.send('GET / HTTP/1.1\r\nHost: ');
  assert.match(await client.end(), /^HTTP\/1\.1 408 /);
});

test('engine closes a connection on which nothing comes, without a word', async () => {
  const client = await open({ limits: { headTimeoutMs: 100 } });
  assert.equal(await client.end(), '');
});

test('engine closes a kept connection that is not used any more', async () => {
  const client = await open({
    limits: { idleTimeoutMs: 100 },
    decide: () => ({ kind: 'reply', reply: { status: 200, fields: [], body: 'ok' } }),
  });
  client.head('GET / HTTP/1.1', 'Host: a');
  assert.match(await client.end(), /ok$/);
});

test('engine answers 408 to an upload that stops, and gives the upstream up', async () => {
  const client = await open({ limits: { idleTimeoutMs: 100 } });
  client.head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 10').send('abc');
  const server = await here.upstream.next();
  await server.until('abc');
  assert.match(await client.end(), /^HTTP\/1\.1 408 /);
  await server.end();
  assert.equal((await here.gate?.completion(1))?.end, 'client-gone');
});

test('engine answers 504 when the upstream takes no more content', async () => {
  const client = await open({ limits: { idleTimeoutMs: 600 } });
  client.head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 99999999');
  const server = await here.upstream.next();
  server.socket.pause();
  client.send('x'.repeat(20_000_000));
  await client.until('failed: response-timeout');
});

test('engine answers 413 to an announced length over the limit, and asks nobody', async () => {
  const client = await open({ limits: { bodyBytes: 10 } });
  client.head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 11').send('x'.repeat(11));
  assert.match(await client.end(), /^HTTP\/1\.1 413 /);
  assert.equal(here.gate?.heads.length, 0);
});

test('engine answers 413 to chunks beyond the limit and gives the upstream up', async () => {
  const client = await open({ limits: { bodyBytes: 10 } });
  client.head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked').send('8\r\n12345678\r\n');
  const server = await here.upstream.next();
  await server.until('12345678');
  client.send('8\r\n12345678\r\n');
  assert.match(await client.end(), /^HTTP\/1\.1 413 /);
  await server.end();
});

test('engine answers 400 to a broken chunk and does not end the upstream request as if it were whole', async () => {
  const client = await open();
  client.head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked').send('3\r\nabc\r\n');
  const server = await here.upstream.next();
  await server.until('abc');
  client.send('zz\r\n');
  assert.match(await client.end(), /^HTTP\/1\.1 400 /);
  assert.doesNotMatch(await server.end(), /\r\n0\r\n/);
  assert.equal((await here.gate?.completion(1))?.end, 'client-gone');
});

test('engine reads no faster from a client that pipelines without end than it answers', async () => {
  const client = await open({
    decide: ({ target }, _client, forward) =>
      target === '/held' ? forward() : { kind: 'reply', reply: { status: 200, fields: [], body: '' } },
  });
  const held = 'GET /held HTTP/1.1\r\nHost: a\r\n\r\n';
  const later = `GET /later HTTP/1.1\r\nHost: a\r\nX-Padding: ${'x'.repeat(60_000)}\r\n\r\n`;
  client.send(held.repeat(60));
  let sent = 0;
  // Altogether more than the operating system holds between the two.
  const send = (): void => {
    if (sent++ < 400) client.socket.write(later, 'latin1', send);
  };
  send();
  const server = await here.upstream.next();
  let sentAtFirst = 0;
  for (let i = 1; i <= 60; i++) {
    await server.until(...Array.from({ length: i }, () => 'GET /held'));
    // In each of them the engine could read 64 KiB.
    if (i === 1) {
      for (let turns = 0; turns < 600; turns++) await turn();
      sentAtFirst = sent;
    }
    server.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  }
  assert.equal(sent < 400, true);
  assert.equal(
    sent - sentAtFirst < 30,
    true,
    `${sent - sentAtFirst} more were taken in while 60 small ones were answered`,
  );
  await client.when(() => client.closed || client.received.split('HTTP/1.1 200 OK').length === 461);
  assert.deepEqual(
    here.gate?.heads.map(({ target }) => target),
    [...Array.from({ length: 60 }, () => '/held'), ...Array.from({ length: 400 }, () => '/later')],
  );
});

test('engine does not go on reading requests behind one that it refused', async () => {
  const client = await open();
  client.send(`${request('Host: a', 'Host: b')}GET /second HTTP/1.1\r\nHost: a\r\n\r\n`);
  await client.end();
  assert.equal(here.gate?.heads.length, 0);
});

test('engine lets a client that goes on sending read why it was refused', async () => {
  const client = await open();
  client.socket.pause();
  client.send('HELLO\r\n\r\n');
  for (let i = 0; i < 50; i++) client.send('x'.repeat(10_000));
  await new Promise((resolve) => setTimeout(resolve, 50));
  // What comes to a closed socket would be answered with a reset.
  client.send('x'.repeat(10_000));
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.send('x'.repeat(10_000));
  client.socket.resume();
  assert.match(await client.end(), /^HTTP\/1\.1 400 [^]*bad: /);
  client.socket.end();
  await client.when(() => client.closed);
  assert.equal(client.error, undefined);
});

test('engine gives IPv4 addresses as such on an IPv6 listener', async () => {
  const gate = await here.start({
    upstream: upstreamAt(here.upstream.origin),
    address: '::',
    decide: () => ({ kind: 'reply', reply: { status: 200, fields: [], body: 'ok' } }),
  });
  const client = await gate.connect();
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until('ok');
  assert.equal(gate.heads[0]?.connection.remoteAddress, '127.0.0.1');
});

test('engine keeps one memory per connection', async () => {
  const client = await open({
    decide: (head) => {
      const { memory } = head.connection;
      memory.set('count', Number(memory.get('count') ?? 0) + 1);
      return { kind: 'reply', reply: { status: 200, fields: [], body: `seen ${String(memory.get('count'))}` } };
    },
  });
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until('seen 1');
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until('seen 2');
  const other = await here.gate?.connect();
  other?.head('GET / HTTP/1.1', 'Host: a');
  await other?.until('seen 1');
});

test('engine answers barely when the handler cannot make its replies, and reports it', async () => {
  const reported: string[] = [];
  const engine = await startEngine(
    {
      address: '127.0.0.1',
      port: 0,
      limits: { headBytes: 16_384, headerCount: 10, headTimeoutMs: 1_000, idleTimeoutMs: 1_000 },
      onError: (detail) => reported.push(detail),
    },
    {
      decide: () => assert.fail('bug'),
      upstreamFailed: () => assert.fail('bug'),
      badRequest: () => assert.fail('bug'),
    },
  );
  for (const [bytes, status] of [
    ['nonsense\r\n\r\n', 400],
    [request('Host: a'), 500],
  ] as const) {
    const client = new Wire(net.connect(engine.port, '127.0.0.1'));
    client.send(bytes);
    assert.match(await client.end(), new RegExp(`^HTTP/1\\.1 ${status} `));
  }
  await engine.drain(0);
  assert.equal(reported.length, 3);
});
