import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { gateForTests, handshake, type Wire } from './engine-testing.ts';
import type { Forward, LastingResponse } from './exchange.ts';
import type { Fields } from './fields.ts';

const here = gateForTests();

/** Writes down what a tap is shown: `200`, `"content"`, `complete`; and `ended` for the end of the verdict. */
class Seen {
  readonly log: string[] = [];
  fields: Fields = [];
  content = '';
  ends = 0;

  /** Called at each content. */
  react: (() => void) | undefined;

  readonly forward: Pick<Forward, 'tap'> = {
    tap: (status, fields) => {
      this.log.push(String(status));
      this.fields = fields;
      return {
        content: (bytes) => {
          this.content += Buffer.from(bytes).toString('latin1');
          if (this.log.at(-1) !== 'content') this.log.push('content');
          this.react?.();
        },
        end: (how) => {
          this.ends++;
          this.log.push(how, String(here.gate?.completions.length));
        },
      };
    },
  };
}

/** Sends a request and gives the upstream's end of it. */
async function ask(client: Wire, ...lines: readonly string[]): Promise<Wire> {
  client.head(...(lines.length > 0 ? lines : ['GET / HTTP/1.1', 'Host: app']));
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  return server;
}

const dated = 'Date: Mon, 01 Jan 2024 00:00:00 GMT';

for (const [framing, head, body, closes] of [
  ['a length', ['Content-Length: 5'], 'hello', false],
  ['chunks', ['Transfer-Encoding: chunked'], '2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 9\r\n\r\n', false],
  ['the end of the connection', [], 'hello', true],
] as const)
  test(`tap sees head, content and end of an answer delimited by ${framing}, before the verdict hears its end`, async () => {
    const seen = new Seen();
    const upstreamFields = (fields: Fields): Fields =>
      fields.filter((_, i) => !/^x-internal$/i.test(fields[i - (i % 2)] ?? ''));
    const client = await here.open({ forward: { ...seen.forward, upstreamFields } });
    const server = await ask(client);
    server.head('HTTP/1.1 201 Made', 'X-Internal: 1', dated, ...head).send(body);
    if (closes) server.socket.end();
    await here.gate?.completion(1);
    assert.deepEqual(seen.log, ['201', 'content', 'complete', '0']);
    assert.equal(seen.content, 'hello');
    assert.deepEqual(seen.fields.slice(0, 2), ['X-Internal', '1'], 'as the upstream gave them');
    assert.doesNotMatch(client.received, /X-Internal/);
  });

for (const [what, request, head] of [
  ['to HEAD', 'HEAD / HTTP/1.1', ['HTTP/1.1 200 OK', 'Content-Length: 5']],
  ['with 204', 'GET / HTTP/1.1', ['HTTP/1.1 204 No Content']],
  ['with 304', 'GET / HTTP/1.1', ['HTTP/1.1 304 Not Modified', 'Content-Length: 5']],
] as const)
  test(`tap sees no content in an answer ${what}, and the next answer by itself`, async () => {
    const seen = new Seen();
    const client = await here.open({ forward: seen.forward });
    const server = await ask(client, request, 'Host: app');
    server.head(...head);
    await here.gate?.completion(1);
    const status = head[0].slice(9, 12);
    assert.deepEqual(seen.log, [status, 'complete', '0']);
    client.head('GET /next HTTP/1.1', 'Host: app');
    await server.until('/next');
    server.head('HTTP/1.1 200 OK', 'Content-Length: 2').send('ok');
    await here.gate?.completion(2);
    assert.deepEqual(seen.log, [status, 'complete', '0', '200', 'content', 'complete', '1']);
  });

test('tap sees no interim answer', async () => {
  const seen = new Seen();
  const client = await here.open({ forward: seen.forward });
  const server = await ask(client);
  server.head('HTTP/1.1 103 Early Hints', 'Link: </a>').head('HTTP/1.1 200 OK', 'Content-Length: 2').send('ok');
  await client.until('103', '\r\n\r\nok');
  await here.gate?.completion(1);
  assert.deepEqual(seen.log, ['200', 'content', 'complete', '0']);
});

test('tap sees nothing of a tunnel, and the refusal of one like any answer', async () => {
  const seen = new Seen();
  const client = await here.open({ forward: seen.forward });
  const first = await ask(client, 'GET /ws HTTP/1.1', ...handshake);
  first.head('HTTP/1.1 403 No', 'Content-Length: 2').send('no');
  await client.until('\r\n\r\nno');
  assert.deepEqual(seen.log, ['403', 'content', 'complete', '0']);
  const second = await ask(client, 'GET /ws HTTP/1.1', ...handshake);
  second.head('HTTP/1.1 101 OK', 'Upgrade: websocket', 'Connection: Upgrade').send('frames');
  await client.until('frames');
  client.socket.destroy();
  second.socket.destroy();
  await here.gate?.completion(2);
  assert.equal(seen.log.length, 4);
});

test('tap sees nothing where an answer of ours takes the place of the upstream’s', async () => {
  const seen = new Seen();
  const client = await here.open({
    forward: { ...seen.forward, lasts: () => ({ status: 429, fields: [], body: 'too many' }) },
  });
  const server = await ask(client);
  server.head('HTTP/1.1 200 OK', 'Content-Type: text/event-stream', 'Transfer-Encoding: chunked').send('1\r\na\r\n');
  await client.until('too many');
  const failing = await ask(client);
  failing.socket.destroy();
  await client.until('failed: reset');
  await here.gate?.completion(2);
  assert.deepEqual(seen.log, []);
});

test('tap sees what came before the upstream failed, and that the answer was cut', async () => {
  const seen = new Seen();
  const client = await here.open({ forward: seen.forward });
  const server = await ask(client);
  server.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked').send('3\r\nabc\r\nnonsense\r\n');
  await client.end();
  assert.deepEqual(seen.log, ['200', 'content', 'cut', '0']);
  assert.equal(seen.content, 'abc');
});

test('tap sees that the client has left', async () => {
  const seen = new Seen();
  const client = await here.open({ forward: seen.forward });
  const server = await ask(client);
  server.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked').send('3\r\nabc\r\n');
  await client.until('abc');
  client.socket.destroy();
  await here.gate?.completion(1);
  assert.deepEqual(seen.log, ['200', 'content', 'cancelled', '0']);
});

test('tap may end the response that it sees, and sees the end once', async () => {
  const seen = new Seen();
  let response: LastingResponse | undefined;
  const lasts = (lasting: LastingResponse): undefined => {
    response = lasting;
  };
  const client = await here.open({ forward: { ...seen.forward, lasts } });
  seen.react = () => response?.cut('enough', () => assert.fail());
  const server = await ask(client);
  server.head('HTTP/1.1 200 OK', 'Content-Type: text/event-stream', 'Transfer-Encoding: chunked');
  server.send('1\r\na\r\n1\r\nb\r\n');
  assert.match(await client.end(), /\r\n\r\n1\r\na\r\n1\r\nb\r\n$/);
  await server.end();
  assert.deepEqual([seen.log, seen.content, seen.ends], [['200', 'content', 'cut', '0'], 'ab', 1]);
});

for (const [what, tap] of [
  ['when it is asked for', () => assert.fail('a bug')],
  ['at the content', () => ({ content: () => assert.fail('a bug'), end: () => assert.fail('it hears nothing more') })],
  ['at the end', () => ({ content() {}, end: () => assert.fail('a bug') })],
] as const satisfies readonly (readonly [string, Forward['tap']])[])
  test(`engine reports a tap that fails ${what}, and the response goes on`, async () => {
    const client = await here.open({ forward: { tap } });
    const server = await ask(client);
    server.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked').send('1\r\na\r\n1\r\nb\r\n');
    await client.until('1\r\na\r\n1\r\nb\r\n');
    server.send('1\r\nc\r\n0\r\n\r\n');
    await client.until('1\r\nc\r\n0\r\n\r\n');
    assert.equal((await here.gate?.completion(1))?.end, 'complete');
    assert.match(String(here.gate?.errors.splice(0)), /^AssertionError[^,]*: a bug$/);
  });

test('engine has written content before a tap sees it: a slow tap does not hold it up', async (t) => {
  const got = new Int32Array(new SharedArrayBuffer(4));
  const waits: string[] = [];
  const tap = { content: () => void waits.push(Atomics.wait(got, 0, waits.length, 10_000)), end() {} };
  const gate = await here.start({ forward: { tap: () => tap } });
  // The client is in another thread: this one does nothing while the tap waits.
  const client = new Worker(
    `const { workerData: { got, port } } = require('node:worker_threads');
     let text = '';
     require('node:net').connect(port, '127.0.0.1').on('data', (bytes) => {
       text += bytes.toString('latin1');
       const come = text.split('tick').length - 1;
       if (come > Atomics.exchange(got, 0, come)) Atomics.notify(got, 0);
     }).write('GET / HTTP/1.1\\r\\nHost: app\\r\\n\\r\\n');`,
    { eval: true, workerData: { got, port: gate.engine.port } },
  );
  t.after(() => client.terminate());
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked').send('4\r\ntick\r\n');
  while (waits.length < 1) await new Promise((resolve) => setImmediate(resolve));
  server.send('4\r\ntick\r\n0\r\n\r\n');
  await gate.completion(1);
  for (const how of waits) assert.notEqual(how, 'timed-out');
  assert.equal(waits.length, 2);
});

test('tap sees all of a large answer to a client that reads slowly, and holds nothing of it', async () => {
  const seen = new Seen();
  const client = await here.open({ forward: seen.forward });
  client.socket.pause();
  const server = await ask(client);
  const content = Buffer.alloc(20_000_000, 'an answer whose length is no power of two. ').toString('latin1');
  server.head('HTTP/1.1 200 OK', `Content-Length: ${content.length}`).send(content);
  while (seen.content.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(server.socket.writableLength > 0, 'the upstream waits for the client');
  client.socket.resume();
  await here.gate?.completion(1);
  await client.when(() => client.received.length > content.length);
  await client.when(() => client.received.endsWith(content.slice(-100)));
  assert.ok(seen.content === content && client.received.endsWith(`\r\n\r\n${content}`));
});

test('tap has seen all when the upstream is through, although the client has not got it and the connection is used again', async () => {
  const seen = new Seen();
  const client = await here.open({
    forward: { ...seen.forward, responseFields: ['X-Much', 'a'.repeat(32 * 1024 * 1024)] },
  });
  client.socket.pause();
  const server = await ask(client);
  server.head('HTTP/1.1 200 OK', 'Content-Length: 5').send('hello');
  while (here.gate?.engine.upstreamConnections().idle !== 1) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([seen.content, seen.log], ['hello', ['200', 'content']]);
  client.socket.resume();
  await here.gate.completion(1);
  assert.deepEqual(seen.log, ['200', 'content', 'complete', '0']);
});

const anAnswer = fc.record({
  content: fc.oneof(
    fc.string({ maxLength: 40, unit: 'binary-ascii' }),
    fc.integer({ min: 8_000, max: 9_000 }).map((length) => 'x'.repeat(length)),
  ),
  chunks: fc.option(fc.integer({ min: 1, max: 3_000 }), { nil: undefined }),
  trailers: fc.boolean(),
});

test('engine gives a client the same bytes with a tap and without, and the tap its content, however answers are cut', async () => {
  const seen = new Seen();
  let tapped = false;
  const gate = await here.start({
    forward: { tap: (status, fields) => (tapped ? seen.forward.tap?.(status, fields) : undefined) },
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(anAnswer, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      async (all, cuts) => {
        const got: string[] = [];
        seen.content = '';
        for (tapped of [false, true]) {
          const client = await gate.connect();
          const server = await ask(client);
          for (const [i, answer] of all.entries()) {
            if (i > 0) client.head(`GET /${i} HTTP/1.1`, 'Host: app');
            await server.until(...all.slice(0, i + 1).map((_, n) => (n === 0 ? 'GET / ' : `GET /${n} `)));
            const bytes = answerWith(answer);
            const at = [0, ...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b);
            for (let n = 1; n < at.length; n++) {
              server.send(bytes.slice(at[n - 1], at[n]));
              await new Promise((resolve) => setImmediate(resolve));
            }
            await gate.completion(gate.forwards);
          }
          client.socket.end();
          got.push(await client.end());
          server.socket.destroy();
          await once(server.socket, 'close');
        }
        assert.equal(unchunked(got[1]), unchunked(got[0]));
        assert.equal(seen.content, all.map(({ content }) => content).join(''));
      },
    ),
    { numRuns: 40 },
  );
});

/** Where chunks begin may depend on how packets came together. */
const unchunked = (text = ''): string => text.replaceAll(/[0-9a-f]+\r\n/g, '').replaceAll('\r\n', '');

function answerWith({
  content,
  chunks,
  trailers,
}: {
  content: string;
  chunks: number | undefined;
  trailers: boolean;
}): string {
  const head = `HTTP/1.1 200 OK\r\n${dated}\r\n`;
  if (chunks === undefined) return `${head}Content-Length: ${content.length}\r\n\r\n${content}`;
  let text = `${head}Transfer-Encoding: chunked\r\n\r\n`;
  for (let at = 0; at < content.length; at += chunks) {
    const chunk = content.slice(at, at + chunks);
    text += `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
  }
  return `${text}0\r\n${trailers ? 'X-Sum: 1\r\n' : ''}\r\n`;
}
