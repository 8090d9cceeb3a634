import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gateForTests, type Wire } from './engine-testing.ts';

const here = gateForTests();
const { open } = here;

test('engine passes a GET on with the fields of the verdict and the answer back with its fields in order', async () => {
  const client = await open({ forward: { target: '/canonical?q=1', responseFields: ['Set-Cookie', 'ours=1'] } });
  client.head('GET /x HTTP/1.1', 'Host: app', 'X-One: 1', 'X-One: 2');
  const server = await here.upstream.next();
  const sent = await server.until('\r\n\r\n');
  assert.equal(sent.startsWith('GET /canonical?q=1 HTTP/1.1\r\nHost: app\r\nX-One: 1\r\nX-One: 2\r\n'), true);
  server.head(
    'HTTP/1.1 200 Fine',
    'Set-Cookie: a=1',
    'Date: Mon, 01 Jan 2024 00:00:00 GMT',
    'Set-Cookie: b=2',
    'Content-Length: 2',
  );
  server.send('ok');
  const answer = await client.until('ok');
  assert.match(answer, /^HTTP\/1\.1 200 Fine\r\n/);
  assert.deepEqual(answer.match(/^Set-Cookie: .*$/gm), ['Set-Cookie: ours=1', 'Set-Cookie: a=1', 'Set-Cookie: b=2']);
  assert.deepEqual(answer.match(/^Date: .*$/gm), ['Date: Mon, 01 Jan 2024 00:00:00 GMT']);
  assert.match(answer, /\r\nContent-Length: 2\r\n/);
});

test('engine adds to each of several equal answers on one connection what its own verdict says, and nothing of another', async () => {
  const added = [['X-Left', '2'], ['X-Left', '1', 'X-More', 'm'], [], ['X-Left', '0']];
  let asked = 0;
  const client = await open({
    decide: (_head, _client, forward) => ({ ...forward(), responseFields: added[asked++] ?? [] }),
  });
  let server: Wire | undefined;
  for (const fields of added) {
    client.received = '';
    if (server !== undefined) server.received = '';
    client.head('GET / HTTP/1.1', 'Host: app');
    server ??= await here.upstream.next();
    await server.until('\r\n\r\n');
    server.head('HTTP/1.1 200 OK', 'Date: Mon, 01 Jan 2024 00:00:00 GMT', 'Content-Length: 2').send('ok');
    const answer = await client.until('ok');
    const own = fields.filter((_, i) => i % 2 === 0);
    assert.deepEqual(answer.match(/^X-\w+/gm) ?? [], own);
    assert.deepEqual(answer.match(/^X-Left: (\d)/m)?.[1], fields[1]);
    assert.equal(answer.match(/^Date: /gm)?.length, 1);
  }
});

test('engine reports a completed request once, with the bytes of its content', async () => {
  const client = await open();
  client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 3').send('abc');
  const server = await here.upstream.next();
  await server.until('abc');
  server.head('HTTP/1.1 201 Created', 'Content-Length: 5').send('hello');
  await client.until('hello');
  const completion = await here.gate?.completion(1);
  assert.deepEqual(
    { ...completion, durationMs: 0 },
    {
      status: 201,
      durationMs: 0,
      bytesToClient: 5,
      bytesToUpstream: 3,
      end: 'complete',
      failure: undefined,
      closedBy: undefined,
    },
  );
  assert.equal(here.gate?.completions.length, 1);
});

test('engine keeps the framing of both directions: lengths stay lengths', async () => {
  const client = await open();
  client.head('PUT / HTTP/1.1', 'Host: app', 'Content-Length: 4').send('data');
  const server = await here.upstream.next();
  const sent = await server.until('data');
  assert.match(sent, /\r\nContent-Length: 4\r\n/);
  assert.doesNotMatch(sent, /Transfer-Encoding/i);
  server.head('HTTP/1.1 200 OK', 'Content-Length: 1').send('y');
  assert.doesNotMatch(await client.until('y'), /Transfer-Encoding/i);
});

test('engine keeps the framing of both directions: chunks stay chunks, and trailers follow', async () => {
  const client = await open();
  client.head('POST / HTTP/1.1', 'Host: app', 'Transfer-Encoding: chunked', 'Trailer: X-Sum');
  client.send('3\r\nabc\r\n0\r\nX-Sum: 9\r\nAuthorization: no\r\n\r\n');
  const server = await here.upstream.next();
  const sent = await server.until('0\r\nX-Sum: 9\r\n\r\n');
  assert.match(sent, /\r\nTransfer-Encoding: chunked\r\n/);
  assert.doesNotMatch(sent, /Authorization/);
  server
    .head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Trailer: X-Check')
    .send('2\r\nhi\r\n0\r\nX-Check: 7\r\n\r\n');
  const answer = await client.until('2\r\nhi\r\n', '0\r\nX-Check: 7\r\n\r\n');
  assert.match(answer, /\r\nTrailer: X-Check\r\n/);
});

test('engine drops request trailers when the verdict names none', async () => {
  const client = await open({ forward: { requestTrailers: () => [] } });
  client.head('POST / HTTP/1.1', 'Host: app', 'Transfer-Encoding: chunked');
  client.send('1\r\na\r\n0\r\nX-Authenticated-User: eve\r\n\r\n');
  const server = await here.upstream.next();
  assert.doesNotMatch(await server.until('0\r\n\r\n'), /eve/);
});

test('engine writes the framing itself, whatever lengths the verdict carries', async () => {
  const client = await open({
    forward: {
      fields: [
        'Host',
        'app',
        'Content-Length',
        '99',
        'Transfer-Encoding',
        'chunked',
        'Connection',
        'X',
        'Upgrade',
        'h2c',
      ],
    },
  });
  client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 2').send('ok');
  const sent = await (await here.upstream.next()).until('\r\n\r\nok');
  assert.deepEqual(sent.match(/^(?:content-length|transfer-encoding|upgrade).*$/gim), ['Content-Length: 2']);
});

test('engine removes hop-by-hop fields from a response, and those that Connection names', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: app');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head(
    'HTTP/1.1 200 OK',
    'Connection: X-Internal, content-length, keep-alive',
    'Keep-Alive: timeout=77',
    'X-Internal: 1',
    'Proxy-Authenticate: Basic',
    'Upgrade: h2c',
    'X-Kept: 1',
    'Content-Length: 2',
  );
  server.send('ok');
  const answer = await client.until('ok');
  assert.doesNotMatch(answer, /X-Internal|timeout=77|Proxy-|Upgrade/i);
  assert.match(answer, /\r\nX-Kept: 1\r\n/);
  assert.match(answer, /\r\nContent-Length: 2\r\n/);
});

test('engine passes a raw UTF-8 Content-Disposition on byte for byte', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: app');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  const name = Buffer.from('attachment; filename="Übersicht €.txt"').toString('latin1');
  server.head('HTTP/1.1 200 OK', 'Content-Length: 2', `Content-Disposition: ${name}`).send('ok');
  assert.equal((await client.until('ok')).includes(`\r\nContent-Disposition: ${name}\r\n`), true);
});

for (const [what, method, head] of [
  ['a HEAD', 'HEAD', ['HTTP/1.1 200 OK', 'Content-Length: 1000']],
  ['a 204', 'GET', ['HTTP/1.1 204 No Content']],
  ['a 304', 'GET', ['HTTP/1.1 304 Not Modified', 'ETag: "x"', 'Content-Length: 1000']],
  ['an empty 200', 'GET', ['HTTP/1.1 200 OK', 'Content-Length: 0']],
] as const) {
  test(`engine answers ${what} without content and goes on with the next request on both connections`, async () => {
    const client = await open();
    client.head(`${method} /1 HTTP/1.1`, 'Host: app');
    const server = await here.upstream.next();
    await server.until('\r\n\r\n');
    server.head(...head);
    const first = await client.until('\r\n\r\n');
    assert.equal(first.slice(first.indexOf('\r\n\r\n') + 4), '');
    assert.equal(/Content-Length: 1000/.test(first), head.includes('Content-Length: 1000' as never));
    assert.doesNotMatch(first, /chunked/);
    client.head('GET /2 HTTP/1.1', 'Host: app');
    await server.until('GET /2');
    server.head('HTTP/1.1 200 OK', 'Content-Length: 6').send('second');
    await client.until('\r\n\r\nsecond');
    assert.equal(here.upstream.connections.length, 1);
  });
}

test('engine asks the upstream about Expect and passes its 100 on', async () => {
  const client = await open();
  client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 2', 'Expect: 100-continue');
  const server = await here.upstream.next();
  assert.match(await server.until('\r\n\r\n'), /\r\nExpect: 100-continue\r\n/);
  assert.equal(client.received, '');
  server.head('HTTP/1.1 100 Continue');
  await client.until('HTTP/1.1 100 Continue\r\n\r\n');
  client.send('ok');
  await server.until('\r\n\r\nok');
  server.head('HTTP/1.1 200 OK', 'Content-Length: 4').send('done');
  await client.until('HTTP/1.1 200 OK', 'done');
});

test('engine passes a refusal on instead of the 100, and no content is sent', async () => {
  const client = await open();
  client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 2', 'Expect: 100-continue');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 413 Too Large', 'Content-Length: 0');
  const answer = await client.end();
  assert.match(answer, /^HTTP\/1\.1 413 Too Large\r\n/);
  assert.match(answer, /\r\nConnection: close\r\n/);
});

test('engine leaves bytes above ASCII as they are, also beside Expect', async () => {
  const client = await open();
  client.head('POST / HTTP/1.1', 'Host: app', 'X-Name: J\xc3\xbcrgen', 'Content-Length: 2', 'Expect: 100-continue');
  const server = await here.upstream.next();
  assert.match(await server.until('\r\n\r\n'), /\r\nX-Name: J\xc3\xbcrgen\r\nExpect: 100-continue\r\n/);
  server.head('HTTP/1.1 100 Continue');
  await client.until('HTTP/1.1 100 Continue\r\n\r\n');
  client.send('ok');
  await server.until('\r\n\r\nok');
});

test('engine passes 103 on before the answer, and not to HTTP/1.0', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: app');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 103 Early Hints', 'Link: </a.css>; rel=preload').head('HTTP/1.1 200 OK', 'Content-Length: 0');
  await client.until('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n', 'HTTP/1.1 200 OK\r\n');

  const old = await here.gate?.connect();
  old?.head('GET /old HTTP/1.0', 'Host: app');
  await server.until('GET /old', '\r\n\r\n');
  server
    .head('HTTP/1.1 103 Early Hints')
    .head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')
    .send('2\r\nhi\r\n0\r\n\r\n');
  const answer = (await old?.end()) ?? '';
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.doesNotMatch(answer, /chunked/);
  assert.equal(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'hi');
});

test('engine answers 502 when an upstream sends interim answers and no end of them', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: app');
  const server = await here.upstream.next();
  for (const [interim, status] of [
    [16, 200],
    [16, 200],
    [17, 502],
  ] as const) {
    await server.until('\r\n\r\n');
    server.received = '';
    for (let i = 0; i < interim; i++) server.head('HTTP/1.1 103 Early Hints', `X-Nth: ${i}`);
    server.head('HTTP/1.1 200 OK', 'Content-Length: 0');
    const got = await client.until('HTTP/1.1 103', 'X-Nth: 15', `HTTP/1.1 ${status} `);
    assert.equal(got.includes('X-Nth: 16'), false);
    client.received = '';
    client.head('GET / HTTP/1.1', 'Host: app');
  }
  assert.match(here.gate?.failures[0]?.detail ?? '', /: more than 16 interim answers$/);
});

test('engine refuses any other expectation with 417', async () => {
  const client = await open();
  client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 2', 'Expect: miracles');
  assert.match(await client.end(), /^HTTP\/1\.1 417 /);
  assert.equal(here.upstream.connections.length, 0);
});

test('engine passes an early answer on while the upload goes on, and uses the client connection again', async () => {
  const client = await open();
  client.head('POST /1 HTTP/1.1', 'Host: app', 'Content-Length: 6').send('abc');
  const server = await here.upstream.next();
  await server.until('abc');
  server.head('HTTP/1.1 403 Forbidden', 'Content-Length: 2').send('no');
  await client.until('\r\n\r\nno');
  await server.end();
  client.send('def').head('GET /2 HTTP/1.1', 'Host: app');
  const second = await here.upstream.next();
  await second.until('GET /2');
  second.head('HTTP/1.1 200 OK', 'Content-Length: 3').send('yes');
  await client.until('yes');
  assert.deepEqual(
    here.gate?.completions.map(({ end, status, bytesToUpstream }) => ({ end, status, bytesToUpstream })),
    [
      { end: 'complete', status: 403, bytesToUpstream: 3 },
      { end: 'complete', status: 200, bytesToUpstream: 0 },
    ],
  );
});

test('engine drops the rest of an upload that the upstream answered without reading it', async () => {
  const client = await open();
  const size = 20_000_000;
  client.head('POST /1 HTTP/1.1', 'Host: app', `Content-Length: ${size}`);
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.socket.pause();
  client.send('x'.repeat(size)).head('GET /2 HTTP/1.1', 'Host: app');
  await new Promise((resolve) => setTimeout(resolve, 50));
  server.head('HTTP/1.1 403 Forbidden', 'Content-Length: 2').send('no');
  await client.until('\r\n\r\nno');
  const second = await here.upstream.next();
  await second.until('GET /2');
  second.head('HTTP/1.1 200 OK', 'Content-Length: 3').send('yes');
  await client.until('yes');
});

test('engine lets a fast upstream wait for a slow client', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: app');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  client.socket.pause();
  const size = 32 * 1024 * 1024;
  server.head('HTTP/1.1 200 OK', `Content-Length: ${size}`);
  server.socket.write(Buffer.alloc(size));
  // Nothing tells that nothing happens: the sender must come to a stop while nobody reads.
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(server.socket.writableLength > 0, true);
  client.socket.resume();
  await client.when(() => client.received.length > size);
});

test('engine sends each event of a stream on when it comes', async () => {
  const client = await open();
  client.head('GET /events HTTP/1.1', 'Host: app', 'Accept: text/event-stream');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 200 OK', 'Content-Type: text/event-stream', 'Transfer-Encoding: chunked');
  await client.until('\r\n\r\n');
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    server.send(`9\r\n${event}\r\n`);
    await client.until(event);
  }
});

test('engine reuses an upstream connection for the next request', async () => {
  const client = await open();
  for (const path of ['/1', '/2', '/3']) {
    client.head(`GET ${path} HTTP/1.1`, 'Host: app');
    const server = path === '/1' ? await here.upstream.next() : (here.upstream.connections[0] as Wire);
    await server.until(`GET ${path}`, '\r\n\r\n');
    server.head('HTTP/1.1 200 OK', `X-Path: ${path}`, 'Content-Length: 0');
    await client.until(`X-Path: ${path}`);
  }
  assert.equal(here.upstream.connections.length, 1);
});

test('engine repeats a GET when the kept connection turns out to be dead, on a new one', async () => {
  const client = await open();
  const first = await served(client, 'GET /1 HTTP/1.1');
  client.head('GET /2 HTTP/1.1', 'Host: app');
  await first.until('GET /2');
  first.socket.destroy();
  const second = await here.upstream.next();
  await second.until('GET /2');
  second.head('HTTP/1.1 200 OK', 'Content-Length: 5').send('again');
  await client.until('again');
});

test('engine does not repeat a GET of which the upstream has answered a byte', async () => {
  const client = await open();
  const first = await served(client, 'GET /1 HTTP/1.1');
  client.head('GET /2 HTTP/1.1', 'Host: app');
  await first.until('GET /2');
  first.socket.end('H');
  await client.until('failed: reset');
  assert.equal(here.upstream.connections.length, 1);
});

test('engine does not repeat a POST on a dead connection', async () => {
  const client = await open();
  const first = await served(client, 'GET /1 HTTP/1.1');
  client.head('POST /2 HTTP/1.1', 'Host: app', 'Content-Length: 0');
  await first.until('POST /2');
  first.socket.resetAndDestroy();
  await client.until('failed: reset');
  assert.equal(here.upstream.connections.length, 1);
});

test('engine does not keep an upstream connection that says more than was asked', async () => {
  const client = await open();
  client.head('GET /1 HTTP/1.1', 'Host: app');
  const first = await here.upstream.next();
  await first.until('\r\n\r\n');
  first.head('HTTP/1.1 200 OK', 'Content-Length: 0').head('HTTP/1.1 200 OK', 'X-Poison: 1', 'Content-Length: 0');
  await client.until('\r\n\r\n');
  await first.end();
  client.head('GET /2 HTTP/1.1', 'Host: app');
  const second = await here.upstream.next();
  await second.until('GET /2');
  second.head('HTTP/1.1 200 OK', 'X-Clean: 1', 'Content-Length: 0');
  assert.doesNotMatch(await client.until('X-Clean'), /Poison/);
});

test('engine answers pipelined requests in order, one after the other', async () => {
  const client = await open();
  client.send('GET /1 HTTP/1.1\r\nHost: app\r\n\r\nGET /2 HTTP/1.1\r\nHost: app\r\n\r\n');
  const server = await here.upstream.next();
  await server.until('GET /1');
  assert.doesNotMatch(server.received, /GET \/2/);
  server.head('HTTP/1.1 200 OK', 'Content-Length: 3').send('one');
  await server.until('GET /2');
  server.head('HTTP/1.1 200 OK', 'Content-Length: 3').send('two');
  await client.until('one', 'two');
  assert.equal(here.upstream.connections.length, 1);
});

test('engine keeps the upload for a slow verdict, within a bound', async () => {
  const asked = Promise.withResolvers<void>();
  const decided = Promise.withResolvers<void>();
  const client = await open({
    decide: (_head, _signal, forward) => {
      asked.resolve();
      return decided.promise.then(forward);
    },
  });
  const size = 32 * 1024 * 1024;
  client.head('POST / HTTP/1.1', 'Host: app', `Content-Length: ${size}`);
  client.socket.write(Buffer.alloc(size, 'x'));
  await asked.promise;
  // Nothing tells that nothing happens: the upload must come to a stop while nobody reads it.
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(client.socket.writableLength > 0, true);
  decided.resolve();
  const server = await here.upstream.next();
  await server.when(() => server.received.length > size);
  server.head('HTTP/1.1 200 OK', 'Content-Length: 0');
  await client.until('200 OK');
  assert.equal((await here.gate?.completion(1))?.bytesToUpstream, size);
});

test('engine sends a reply of the handler with length and date, and without content for HEAD', async () => {
  const client = await open({
    decide: () => ({
      kind: 'reply',
      reply: { status: 401, fields: ['WWW-Authenticate', 'Negotiate', 'WWW-Authenticate', 'NTLM'], body: 'grüße' },
    }),
  });
  client.head('HEAD / HTTP/1.1', 'Host: app');
  const head = await client.until('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n/);
  assert.match(head, /\r\nContent-Length: 7\r\n/);
  assert.match(head, /\r\nDate: /);
  client.head('GET / HTTP/1.1', 'Host: app');
  await client.until('\r\n\r\n', '\r\n\r\ngr\xc3\xbc\xc3\x9fe');
});

test('engine answers an upload with a reply at once, and takes the next request behind the upload', async () => {
  const client = await open({
    decide: (head, _s, forward) =>
      head.target === '/1' ? { kind: 'reply', reply: { status: 401, fields: [], body: 'who?' } } : forward(),
  });
  client.head('PUT /1 HTTP/1.1', 'Host: app', 'Content-Length: 3000000');
  await client.until('who?');
  client.send('x'.repeat(3_000_000)).head('GET /2 HTTP/1.1', 'Host: app');
  const server = await here.upstream.next();
  await server.until('GET /2');
  server.head('HTTP/1.1 200 OK', 'Content-Length: 2').send('ok');
  await client.until('\r\n\r\nok');
});

test('engine turns a handler that fails into 500 and reports it', async () => {
  const client = await open({ decide: () => Promise.reject(new Error('bug')) });
  client.head('GET / HTTP/1.1', 'Host: app');
  assert.match(await client.end(), /^HTTP\/1\.1 500 /);
  assert.deepEqual(here.gate?.errors.splice(0).map(String), ['Error: bug']);
});

/** One request answered with 200 and nothing; gives the upstream's connection, which is then kept. */
async function served(client: Wire, line: string): Promise<Wire> {
  client.head(line, 'Host: app');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 200 OK', 'Content-Length: 0');
  await client.until('\r\n\r\n');
  return server;
}
