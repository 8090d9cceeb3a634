import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import * as fc from 'fast-check';
import { type RawUpstream, rawUpstream, upstreamAt } from './engine-testing.ts';
import type { Upstream } from './exchange.ts';
import { ask } from './upstream-testing.ts';
import { UpstreamPools } from './upstream-pool.ts';

let server: RawUpstream;
let pools: UpstreamPools;
let upstream: Upstream;

beforeEach(async () => {
  server = await rawUpstream();
  pools = new UpstreamPools({ sweepMs: 10 });
  upstream = upstreamAt(server.origin);
});

afterEach(async () => {
  pools.close();
  await server.close();
});

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const MB = 1024 * 1024;

test('Call writes the head as it is given, in latin1', async () => {
  ask(pools, upstream, 'GET /', ['X-Name: M\u00fcller']);
  const wire = await server.next();
  assert.equal(await wire.until('\r\n\r\n'), 'GET / HTTP/1.1\r\nHost: app\r\nX-Name: M\u00fcller\r\n\r\n');
});

test('Call sends the head before there is content', async () => {
  ask(pools, upstream, 'POST /', ['Content-Length: 3']);
  const wire = await server.next();
  assert.equal(await wire.until('\r\n\r\n'), 'POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 3\r\n\r\n');
});

test('Call.write() sends content with a length as it is, before and after there is a connection', async () => {
  const { call } = ask(pools, upstream, 'POST /', ['Content-Length: 6']);
  assert.equal(call.write(Buffer.from('abc')), true);
  assert.equal(call.flushed, false);
  const wire = await server.next();
  await wire.until('\r\n\r\nabc');
  assert.equal(call.flushed, true);
  call.write(Buffer.from('d\u00ff', 'latin1'));
  call.write(Buffer.from('f'));
  call.end();
  await wire.until('\r\n\r\nabcd\u00fff');
});

test('Call.write() frames chunks, and an empty one does not end the content', async () => {
  const { call } = ask(pools, upstream, 'POST /', ['Transfer-Encoding: chunked']);
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  call.write(Buffer.alloc(20, 'x'));
  call.write(Buffer.alloc(0));
  call.write(Buffer.alloc(20_000, 'y'));
  call.end(['X-Sum', '40']);
  await wire.until('0\r\nX-Sum: 40\r\n\r\n');
  assert.equal(
    wire.received.split('\r\n\r\n').slice(1).join('|'),
    `14\r\n${'x'.repeat(20)}\r\n4e20\r\n${'y'.repeat(20_000)}\r\n0\r\nX-Sum: 40|`,
  );
});

test('Call.write() throws on content beyond the announced length, and none of it is sent', async () => {
  const { call } = ask(pools, upstream, 'POST /', ['Content-Length: 3']);
  call.write(Buffer.from('ab'));
  assert.throws(() => call.write(Buffer.from('c\r\n\r\nGET /smuggled')), RangeError);
  call.write(Buffer.from('c'));
  call.end();
  const wire = await server.next();
  await wire.until('\r\n\r\nabc');
  assert.throws(() => call.write(Buffer.from('d')), /complete/);
  wire.send(OK);
});

test('Call.end() throws when content is missing', () => {
  const { call } = ask(pools, upstream, 'POST /', ['Content-Length: 3']);
  call.write(Buffer.from('ab'));
  assert.throws(() => call.end(), RangeError);
});

test('Call cannot have content that lasts until the end of the connection', () => {
  assert.throws(() => ask(pools, upstream, 'POST /', [], { body: { kind: 'until-close' } }), TypeError);
});

test('Call.write() gives false when the upstream does not read, and drain comes when it does', async () => {
  const { call, heard } = ask(pools, upstream, 'POST /', ['Transfer-Encoding: chunked']);
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.socket.pause();
  let sent = 0;
  while (call.write(Buffer.alloc(MB, 'x')) && sent < 64 * MB) sent += MB;
  assert.equal(sent < 64 * MB, true);
  assert.equal(call.flushed, false);
  assert.equal(heard.log.includes('drain'), false);
  wire.socket.resume();
  await heard.until('drain');
  call.end();
  await wire.until('0\r\n\r\n');
});

test('Call.write() takes a bounded amount before there is a connection', async () => {
  const { call, heard } = ask(pools, upstream, 'POST /', ['Transfer-Encoding: chunked']);
  let writes = 1;
  while (call.write(Buffer.alloc(8_192, 'x')) && writes < 1_000) writes++;
  assert.equal(writes, 8);
  await heard.until('drain');
});

test('Call reports the answer in order, with its trailers, and tells when a read has been worked through', async () => {
  const { heard } = ask(pools, upstream, 'GET /');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await heard.until('flush');
  wire.send('1\r\nd\r\n0\r\nX-Sum: 4\r\n\r\n');
  await heard.over();
  assert.deepEqual(heard.log, ['head 200', 'data', 'flush', 'data', 'trailers X-Sum,4', 'end']);
  assert.deepEqual([heard.answer?.reason, heard.content], ['Fine', 'abcd']);
});

test('Call reports interim answers and then the answer', async () => {
  const { call, heard } = ask(pools, upstream, 'POST /', ['Content-Length: 1', 'Expect: 100-continue']);
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n');
  await heard.until('continue');
  call.write(Buffer.from('x'));
  call.end();
  await wire.until('\r\n\r\nx');
  wire.send(OK);
  await heard.over();
  assert.deepEqual(heard.events, ['informational 103 Link,</a>', 'continue', 'head 200', 'end']);
  assert.deepEqual(pools.stats(), { busy: 0, idle: 1 });
});

for (const [line, answer] of [
  ['HEAD /', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n'],
  ['HEAD /', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['GET /', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n'],
  ['DELETE /', 'HTTP/1.1 204 No Content\r\n\r\n'],
] as const) {
  test(`Call knows that ${answer.slice(9, 12)} to ${line.split(' ', 1)[0]} has no content, and keeps the connection`, async () => {
    const { heard } = ask(pools, upstream, line);
    const wire = await server.next();
    await wire.until('\r\n\r\n');
    wire.send(answer);
    assert.equal(await heard.over(), 'end');
    assert.deepEqual(pools.stats(), { busy: 0, idle: 1 });
  });
}

test('Call ends content without a length when the upstream closes', async () => {
  const { heard } = ask(pools, upstream, 'GET /');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 200 OK\r\n\r\nall ').socket.end('of it');
  assert.equal(await heard.over(), 'end');
  assert.equal(heard.content, 'all of it');
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
});

test('Call reports an early answer while the upload goes on', async () => {
  const { call, heard } = ask(pools, upstream, 'POST /', ['Transfer-Encoding: chunked']);
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n');
  await heard.until('data');
  call.write(Buffer.from('more'));
  await wire.until('4\r\nmore\r\n');
  call.end();
  await wire.until('0\r\n\r\n');
  wire.send('0\r\n\r\n');
  assert.equal(await heard.over(), 'end');
  assert.deepEqual(pools.stats(), { busy: 0, idle: 1 });
});

test('Call reports the answer of an upstream that refuses an upload and closes without reading it', async () => {
  const { call, heard } = ask(pools, upstream, 'POST /', ['Content-Length: 20000000']);
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.socket.pause();
  call.write(Buffer.alloc(19_999_999));
  wire.send('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge').socket.destroySoon();
  assert.equal(await heard.over(), 'end');
  assert.deepEqual([heard.answer?.status, heard.content], [413, 'large']);
});

test('Call.pauseResponse() lets the upstream wait, and resumeResponse() lets it go on', async () => {
  const { call, heard } = ask(pools, upstream, 'GET /');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  heard.react = (event) => {
    if (event === 'data' && heard.content.length < MB) call.pauseResponse();
  };
  const size = 32 * MB;
  wire.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`).socket.write(Buffer.alloc(size, 'x'));
  await heard.until('data');
  // Nothing tells that nothing happens: the sender must come to a stop while nobody reads.
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(wire.socket.writableLength > 0, true);
  assert.equal(heard.content.length <= 128 * 1024, true);
  heard.react = undefined;
  call.resumeResponse();
  assert.equal(await heard.over(), 'end');
  assert.equal(heard.content.length, size);
});

test('Call.pauseResponse() holds before there is a connection', async () => {
  const { call, heard } = ask(pools, upstream, 'GET /');
  call.pauseResponse();
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send(OK);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(heard.log, []);
  call.resumeResponse();
  assert.equal(await heard.over(), 'end');
});

test('Call reports an answer that was read only after a write had failed', async () => {
  const { call, heard } = ask(pools, upstream, 'POST /', ['Transfer-Encoding: chunked']);
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.socket.pause();
  call.pauseResponse();
  call.write(Buffer.alloc(100));
  await new Promise((resolve) => setTimeout(resolve, 20));
  wire.send('HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge').socket.destroySoon();
  await wire.when(() => wire.closed);
  for (let i = 0; i < 3; i++) {
    call.write(Buffer.alloc(100));
    await new Promise((resolve) => setImmediate(resolve));
  }
  call.resumeResponse();
  assert.equal(await heard.over(), 'end');
  assert.equal(heard.content, 'large');
});

test('Call leaves a paused connection readable for the next request', async () => {
  const first = ask(pools, upstream, 'GET /1');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  first.heard.react = () => first.call.pauseResponse();
  wire.send(OK);
  await first.heard.over();
  const second = ask(pools, upstream, 'GET /2');
  await wire.until('GET /2');
  wire.send(OK);
  assert.equal(await second.heard.over(), 'end');
});

test('CallEvents.data() may keep the bytes: they are not overwritten', async () => {
  const { heard } = ask(pools, upstream, 'GET /');
  heard.keeps = true;
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n');
  for (let i = 0; i < 20; i++) {
    wire.send(String.fromCharCode(0x61 + i).repeat(20_000));
    await heard.when(() => heard.content.length === (i + 1) * 20_000);
  }
  await heard.over();
  assert.equal(Buffer.concat(heard.chunks).toString('latin1') === heard.content, true);
});

test('CallEvents.data() lets the same memory be read into again when it does not keep the bytes', async () => {
  const { heard } = ask(pools, upstream, 'GET /');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
  await heard.until('flush');
  wire.send('a');
  await heard.until('data');
  wire.send('b');
  await heard.over();
  assert.deepEqual(
    heard.chunks.map((chunk) => chunk.toString('latin1')),
    ['b', 'b'],
  );
});

for (const [phase, answer] of [
  ['before an answer', ''],
  ['within a head', 'HTTP/1.1 200 OK\r\nConten'],
  ['within content', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab'],
] as const) {
  test(`Call.abort() ${phase} closes the connection, and nothing more is reported`, async () => {
    const { call, heard } = ask(pools, upstream, 'GET /');
    const wire = await server.next();
    await wire.until('\r\n\r\n');
    wire.send(answer);
    if (answer !== '') await heard.until(answer.includes('\r\n\r\n') ? 'data' : 'flush');
    const before = heard.log.length;
    call.abort();
    assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
    await wire.end();
    call.write(Buffer.from('x'));
    call.end();
    call.resumeResponse();
    assert.equal(heard.log.length, before);
  });
}

test('Call.abort() before there is a connection opens none', async () => {
  const { call, heard } = ask(pools, upstream, 'GET /');
  call.abort();
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
  const other = ask(pools, upstream, 'GET /2');
  const wire = await server.next();
  if (wire.received === '') await wire.when(() => wire.closed || wire.ended || wire.received !== '');
  other.call.abort();
  assert.deepEqual(heard.log, []);
});

test('Call.abort() from within an event stops the events of the same read', async () => {
  const { call, heard } = ask(pools, upstream, 'GET /');
  heard.react = () => call.abort();
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send(OK);
  await wire.end();
  assert.deepEqual(heard.log, ['head 200']);
});

test('Call.abort() after the end does not touch the connection, which may be in use again', async () => {
  const first = ask(pools, upstream, 'GET /1');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send(OK);
  await first.heard.over();
  const second = ask(pools, upstream, 'GET /2');
  first.call.abort();
  first.call.pauseResponse();
  first.call.write(Buffer.from('GET /smuggled HTTP/1.1\r\n\r\n'));
  await wire.until('GET /2');
  wire.send(OK);
  assert.equal(await second.heard.over(), 'end');
  assert.doesNotMatch(wire.received, /smuggled/);
});

test('Call reports the same, however the answers were cut into packets', async () => {
  const kinds = ['length', 'chunked', 'none', 'interim'] as const;
  const content = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 });
  const answer = fc.record({ kind: fc.constantFrom(...kinds), content, cuts: fc.array(fc.nat(200), { maxLength: 4 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 4 }), async (answers) => {
      const own = new UpstreamPools();
      const app = await rawUpstream();
      const at = upstreamAt(app.origin);
      for (const { kind, content: text, cuts } of answers) {
        const { heard } = ask(own, at, 'GET /');
        const wire = app.connections[0] ?? (await app.next());
        await wire.when(() => wire.received.endsWith('\r\n\r\n'));
        wire.received = '';
        const bytes = bytesOf(kind, text);
        const edges = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
        for (const [i, edge] of [0, ...edges].entries()) {
          wire.send(bytes.slice(edge, edges[i]));
          // Another packet for what comes next.
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.equal(await heard.over(), 'end');
        assert.equal(heard.content, kind === 'none' ? '' : text);
        const interim = kind === 'interim' ? ['informational 103 '] : [];
        assert.deepEqual(heard.events, [...interim, `head ${kind === 'none' ? 204 : 200}`, 'end']);
      }
      assert.equal(app.connections.length, 1);
      own.close();
      await app.close();
    }),
    { numRuns: 60 },
  );
});

function bytesOf(kind: 'length' | 'chunked' | 'none' | 'interim', text: string): string {
  switch (kind) {
    case 'none':
      return 'HTTP/1.1 204 No Content\r\n\r\n';
    case 'chunked': {
      const half = Math.ceil(text.length / 2);
      const parts = [text.slice(0, half), text.slice(half)].filter((part) => part !== '');
      const chunks = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
      return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
    }
    case 'length':
    case 'interim': {
      const interim = kind === 'interim' ? 'HTTP/1.1 103 Early Hints\r\n\r\n' : '';
      return `${interim}HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
    }
  }
}
