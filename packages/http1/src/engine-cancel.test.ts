import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Gate, gateForTests, upstreamAt, type Wire } from './engine-testing.ts';
import type { Forward } from './exchange.ts';

const here = gateForTests();

const folder = mkdtempSync(join(tmpdir(), 'cancel-'));
after(() => rmSync(folder, { recursive: true }));

/** A client that ends its side only looks like one that has given up: nginx, Go and we take it for that. */
const ways = [
  ['closes its connection', (client: Wire) => client.socket.destroy()],
  ['resets its connection', (client: Wire) => client.socket.resetAndDestroy()],
  ['ends its side', (client: Wire) => client.socket.end()],
] as const;

const chunked = ['HTTP/1.1 200 OK', 'Content-Type: text/event-stream', 'Transfer-Encoding: chunked'] as const;

/** Where a request may be when its client leaves; each gives the upstream's end, which says nothing from then on. */
const moments = [
  [
    'before the upstream has answered',
    async (client: Wire) => {
      client.head('GET / HTTP/1.1', 'Host: app');
      const server = await here.upstream.next();
      await server.until('\r\n\r\n');
      return server;
    },
  ],
  [
    'in a stream that has been silent from its head on',
    async (client: Wire) => {
      client.head('GET / HTTP/1.1', 'Host: app');
      const server = await here.upstream.next();
      server.head(...chunked);
      await client.until('\r\n\r\n');
      return server;
    },
  ],
  [
    'between two events of a stream that a POST began',
    async (client: Wire) => {
      client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 2').send('{}');
      const server = await here.upstream.next();
      await server.until('{}');
      server.head(...chunked).send('4\r\ntick\r\n');
      await client.until('tick');
      return server;
    },
  ],
  [
    'in an answer with a length',
    async (client: Wire) => {
      client.head('GET / HTTP/1.1', 'Host: app');
      const server = await here.upstream.next();
      server.head('HTTP/1.1 200 OK', 'Content-Length: 10').send('12345');
      await client.until('12345');
      return server;
    },
  ],
  [
    'when it has long taken nothing of what waits for it',
    async (client: Wire) => {
      client.socket.pause();
      client.head('GET / HTTP/1.1', 'Host: app');
      const server = await here.upstream.next();
      server.head('HTTP/1.1 200 OK', 'Content-Length: 99999999').send('x'.repeat(30_000_000));
      while (server.socket.bytesWritten === 0 || !server.socket.writableNeedDrain)
        await new Promise((resolve) => setImmediate(resolve));
      return server;
    },
  ],
] as const;

/** The upstream's connection is gone, the verdict has heard why, and nothing is left. */
async function cancelled(gate: Gate, server: Wire, ends: readonly string[]): Promise<void> {
  server.socket.resume();
  await server.when(() => server.ended || server.closed);
  assert.equal((await gate.completion(1)).end, 'client-gone');
  assert.deepEqual(ends.slice(-1), ends.length === 0 ? [] : ['cancelled']);
  await gate.settled();
  assert.deepEqual(gate.engine.upstreamConnections(), { busy: 0, idle: 0 });
}

const tapInto = (ends: string[]): Pick<Forward, 'tap'> => ({
  tap: () => ({ content() {}, end: (how) => void ends.push(how) }),
});

for (const [when, reach] of moments)
  for (const [how, leave] of ways)
    test(`engine ends the upstream's connection when the client ${how} ${when}`, async () => {
      const ends: string[] = [];
      const client = await here.open({ forward: tapInto(ends) });
      const server = await reach(client);
      leave(client);
      assert.ok(here.gate);
      await cancelled(here.gate, server, ends);
    });

test('engine ends the upstream’s connection when the client leaves in the stream that follows an inspection', async () => {
  const ends: string[] = [];
  const client = await here.open({
    forward: tapInto(ends),
    decide: (_head, _client, forward) => ({
      kind: 'inspect',
      maxBytes: 100,
      judge: async () => forward(),
      refuse: () => assert.fail(),
    }),
  });
  client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 2').send('{}');
  const server = await here.upstream.next();
  await server.until('{}');
  server.head(...chunked).send('4\r\ntick\r\n');
  await client.until('tick');
  client.socket.destroy();
  assert.ok(here.gate);
  await cancelled(here.gate, server, ends);
});

test('engine ends the upstream’s connection when a client over TLS says that it sends no more, or goes', async () => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', '-out', cert, '-keyout', key, ...name, ...kind], {
    stdio: 'ignore',
  });
  const tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  for (const [, leave] of [ways[0], ways[2]]) {
    const ends: string[] = [];
    const gate = await here.start({ tls, forward: tapInto(ends) });
    const client = await gate.connectTls(tls.cert);
    client.head('GET / HTTP/1.1', 'Host: app');
    const server = await here.upstream.next();
    server.head(...chunked).send('4\r\ntick\r\n');
    await client.until('tick');
    leave(client);
    await cancelled(gate, server, ends);
    await gate.close();
  }
});

test('engine keeps a stream that is silent for longer than any of its limits, whatever it began with', async () => {
  const limits = { headTimeoutMs: 300, idleTimeoutMs: 300, bodyTimeoutMs: 300, writeTimeoutMs: 300 };
  const ends: string[] = [];
  const gate = await here.start({
    limits,
    upstream: upstreamAt(here.upstream.origin, { connectTimeoutMs: 400, responseTimeoutMs: 400 }),
    forward: tapInto(ends),
    decide: ({ target }, _client, forward) =>
      target === '/inspected'
        ? { kind: 'inspect', maxBytes: 100, judge: async () => forward(), refuse: () => assert.fail() }
        : forward(),
  });
  const streams = [
    { request: ['GET /chunks HTTP/1.1', 'Host: app'], content: '', head: [...chunked], last: '0\r\n\r\n' },
    {
      request: ['POST /inspected HTTP/1.1', 'Host: app', 'Content-Length: 2'],
      content: '{}',
      head: [...chunked],
      last: '0\r\n\r\n',
    },
    {
      request: ['GET /length HTTP/1.1', 'Host: app'],
      content: '',
      head: ['HTTP/1.1 200 OK', 'Content-Length: 15'],
      last: '',
    },
    // The upstream answers before it has got all content, and the client sends no more either.
    {
      request: ['POST /early HTTP/1.1', 'Host: app', 'Content-Length: 2'],
      content: '{',
      head: [...chunked],
      last: '0\r\n\r\n',
    },
  ];
  const open: { client: Wire; server: Wire; last: string }[] = [];
  for (const { request, content, head, last } of streams) {
    const client = await gate.connect();
    client.head(...request).send(content);
    const server = await here.upstream.next();
    await server.until('\r\n\r\n', content);
    server.head(...head);
    await client.until('\r\n\r\n');
    open.push({ client, server, last });
  }
  // Others that begin now, and that the limits end, show that the limits have passed: twice each.
  for (let i = 0; i < 2; i++) {
    const [late, unheard, resting, stuck] = [
      await gate.connect(),
      await gate.connect(),
      await gate.connect(),
      await gate.connect(),
    ];
    unheard.send('GET / HT');
    stuck.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 10').send('abc');
    late.head('GET /late HTTP/1.1', 'Host: app');
    await stuck.until('HTTP/1.1 408 ');
    await unheard.until('HTTP/1.1 408 ');
    await late.until('failed: response-timeout');
    await resting.end();
  }
  assert.deepEqual(ends, []);
  for (const { client, server, last } of open) {
    server.send(last === '' ? 'and still there' : `f\r\nand still there\r\n${last}`);
    await client.until('\r\n\r\n', `and still there${last === '' ? '' : `\r\n${last}`}`);
  }
});
