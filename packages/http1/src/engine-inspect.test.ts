import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type GateOptions, gateForTests, handshake, portOf, upstreamAt, type Wire } from './engine-testing.ts';
import type { Forward, Inspection, Judgement, LastingResponse, Reply } from './exchange.ts';
import { prepareAsReceived } from './prepared-fields.ts';

const here = gateForTests();

type Judge = (content: string, forward: () => Forward) => Judgement | Promise<Judgement>;

/** Everything is inspected, and forwarded unless `judge` says otherwise. Contents and what came in their place are told to `told`. */
function inspected({
  judge = (_content, forward) => forward(),
  told = [],
  maxBytes = 1_000_000,
}: {
  readonly judge?: Judge;
  readonly told?: unknown[];
  readonly maxBytes?: number;
} = {}): Pick<GateOptions, 'decide'> {
  return {
    decide: (_head, _client, forward): Inspection => ({
      kind: 'inspect',
      maxBytes,
      judge(content) {
        const text = Buffer.from(content).toString('latin1');
        told.push(text);
        return judge(text, forward);
      },
      refuse(why) {
        told.push(why);
        return why === 'no-room'
          ? { status: 503, fields: ['Retry-After', '1'], body: 'no room' }
          : { status: 413, fields: [], body: 'too large' };
      },
      abandoned: (status) => told.push(status),
    }),
  };
}

const says = (body: string): Judgement => ({ kind: 'reply', reply: { status: 429, fields: [], body } });

/** Answers one request that has come to the upstream. */
const answer = (server: Wire, body: string): Wire =>
  server.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);

/** Waits until this has been told. */
async function until(told: readonly unknown[], count: number): Promise<void> {
  while (told.length < count) await new Promise((resolve) => setImmediate(resolve));
}

test('engine has content judged whole before anything goes on, and sends the same bytes with their length', async () => {
  const told: unknown[] = [];
  const client = await here.open(inspected({ told }));
  client.head('POST /v1 HTTP/1.1', 'Host: app', 'Content-Length: 9').send('{"a"');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(here.upstream.connections.length, 0);
  client.send(':"\xe9"}');
  const server = await here.upstream.next();
  const sent = await server.until('\r\n\r\n{"a":"\xe9"}');
  assert.match(sent, /^POST \/v1 HTTP\/1\.1\r\n/);
  assert.match(sent, /\r\nContent-Length: 9\r\n/);
  assert.deepEqual(told, ['{"a":"\xe9"}']);
  answer(server, 'ok');
  await client.until('\r\n\r\nok');
  const { status, end, bytesToUpstream } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual([status, end, bytesToUpstream], [200, 'complete', 9]);
});

test('engine has content in chunks judged as one, and sends it in chunks with the trailers that may go on', async () => {
  const told: unknown[] = [];
  const client = await here.open(inspected({ told }));
  client.head('POST / HTTP/1.1', 'Host: app', 'Transfer-Encoding: chunked', 'Trailer: X-Sum');
  client.send('3\r\nabc\r\n1\r\nd\r\n0\r\nX-Sum: 9\r\nAuthorization: no\r\n\r\n');
  const server = await here.upstream.next();
  const sent = await server.until('\r\n\r\n4\r\nabcd\r\n0\r\nX-Sum: 9\r\n\r\n');
  assert.match(sent, /\r\nTransfer-Encoding: chunked\r\n/);
  assert.doesNotMatch(sent, /Authorization/);
  assert.deepEqual(told, ['abcd']);
  answer(server, 'ok');
  await client.until('\r\n\r\nok');
});

for (const [what, ...lines] of [
  ['without content', 'GET / HTTP/1.1', 'Host: app'],
  ['with a length of 0', 'POST / HTTP/1.1', 'Host: app', 'Content-Length: 0'],
  ['with no chunks', 'POST / HTTP/1.1', 'Host: app', 'Transfer-Encoding: chunked', '', '0'],
] as const)
  for (const later of [false, true])
    test(`engine has a request ${what} judged by empty content, ${later ? 'later' : 'at once'}`, async () => {
      const told: unknown[] = [];
      const judge: Judge = (_content, forward) => (later ? Promise.resolve().then(forward) : forward());
      const client = await here.open(inspected({ told, judge }));
      client.head(...lines);
      const server = await here.upstream.next();
      await server.until('\r\n\r\n');
      answer(server, 'ok');
      await client.until('\r\n\r\nok');
      assert.deepEqual(told, ['']);
    });

test('engine can open a tunnel for an upgrade that was inspected', async () => {
  const client = await here.open(inspected());
  client.head('GET /ws HTTP/1.1', ...handshake);
  const server = await here.upstream.next();
  await server.until('Upgrade: websocket');
  server.head('HTTP/1.1 101 OK', 'Upgrade: websocket', 'Connection: Upgrade').send('frames');
  await client.until('HTTP/1.1 101 ', 'frames');
});

test('engine sends content that was inspected behind fields as they were received', async () => {
  const { decide } = inspected({
    judge: (_content, forward) => ({
      ...forward(),
      asReceived: true,
      fields: [],
      prepared: [prepareAsReceived(['host', 'app', 'content-LENGTH', '3', 'Expect', '100-continue'])],
    }),
  });
  const client = await here.open(decide === undefined ? {} : { decide });
  client.head('POST / HTTP/1.1', 'host: app', 'content-LENGTH: 3', 'Expect: 100-continue');
  await client.until('100 Continue');
  client.send('abc');
  const server = await here.upstream.next();
  assert.equal(await server.until('abc'), 'POST / HTTP/1.1\r\nhost: app\r\ncontent-LENGTH: 3\r\n\r\nabc');
  answer(server, 'ok');
  await client.until('\r\n\r\nok');
});

test('engine asks a client that waits for a 100 for its content, and does not ask the upstream', async () => {
  const client = await here.open(inspected());
  client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 3', 'Expect: 100-continue');
  await client.until('HTTP/1.1 100 Continue\r\n\r\n');
  client.send('abc');
  const server = await here.upstream.next();
  assert.doesNotMatch(await server.until('abc'), /expect/i);
  // Some say it anyway: nobody waits for it.
  server.head('HTTP/1.1 100 Continue');
  answer(server, 'ok');
  assert.equal((await client.until('\r\n\r\nok')).split('100 Continue').length, 2);
  await answerNext(client, server);
});

/** Both connections are good for another request. */
async function answerNext(client: Wire, server: Wire): Promise<void> {
  client.head('GET /next HTTP/1.1', 'Host: app');
  await server.until('GET /next ');
  answer(server, 'the next');
  await client.until('\r\n\r\nthe next');
}

test('engine does not ask for content that it would refuse: a client that waits for the 100 gets the refusal', async () => {
  const told: unknown[] = [];
  const client = await here.open(inspected({ told, maxBytes: 10 }));
  client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 11', 'Expect: 100-continue');
  assert.match(await client.end(), /^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n[^]*too large$/);
  assert.deepEqual(told, ['too-large']);
});

for (const [what, lines, content] of [
  ['announces more than may be held', ['Content-Length: 11'], '12345678901'],
  ['has more in its chunks than may be held', ['Transfer-Encoding: chunked'], '6\r\n123456\r\n5\r\n78901\r\n0\r\n\r\n'],
] as const)
  test(`engine refuses a request that ${what}, and takes the next one behind it`, async () => {
    const told: unknown[] = [];
    const client = await here.open(inspected({ told, maxBytes: 10 }));
    client.head('POST /1 HTTP/1.1', 'Host: app', ...lines).send(content);
    await client.until('HTTP/1.1 413 ', 'too large');
    client.head('GET /next HTTP/1.1', 'Host: app');
    const server = await here.upstream.next();
    assert.match(await server.until('\r\n\r\n'), /^GET \/next /);
    answer(server, 'ok');
    await client.until('too large', '\r\n\r\nok');
    assert.deepEqual(told, ['too-large', '']);
  });

test('engine asks once for a refusal, also when content goes on and the client does not take the refusal', async () => {
  const refusals: string[] = [];
  const client = await here.open({
    decide: () => ({
      kind: 'inspect',
      maxBytes: 10,
      judge: () => assert.fail(),
      refuse(why) {
        refusals.push(why);
        return { status: 413, fields: ['X-Much', 'a'.repeat(32 * 1024 * 1024)], body: 'too large' };
      },
    }),
  });
  client.socket.pause();
  client.head('POST / HTTP/1.1', 'Host: app', 'Transfer-Encoding: chunked');
  client.send(`${'6\r\n123456\r\n'.repeat(5)}0\r\n\r\n`);
  while (refusals.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(refusals, ['too-large']);
});

test('engine tells the inspection of a client that left before there was this verdict', async () => {
  const told: unknown[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const { decide } = inspected({ told });
  const client = await here.open({
    async decide(head, about, forward) {
      about.signal.addEventListener('abort', () => left.resolve());
      asked.resolve();
      await promise;
      return decide?.(head, about, forward) ?? forward();
    },
  });
  client.head('GET / HTTP/1.1', 'Host: app');
  await asked.promise;
  client.socket.destroy();
  await left.promise;
  resolve();
  await until(told, 1);
  assert.deepEqual(told, [499]);
});

test('engine holds as much content as it may, to the byte', async () => {
  const told: unknown[] = [];
  const client = await here.open(inspected({ told, maxBytes: 10 }));
  client.head('POST / HTTP/1.1', 'Host: app', 'Transfer-Encoding: chunked').send('a\r\n1234567890\r\n0\r\n\r\n');
  const server = await here.upstream.next();
  await server.until('a\r\n1234567890\r\n0\r\n\r\n');
  answer(server, 'ok');
  await client.until('ok');
  assert.deepEqual(told, ['1234567890']);
});

test('engine answers in order what was sent in one go, whatever is judged at once, later, or refused', async () => {
  const judge: Judge = (content, forward) => {
    if (content === 'no') return says('refused');
    if (content === 'later') return new Promise((resolve) => setImmediate(() => resolve(forward())));
    return content === 'no, later' ? Promise.resolve(says('refused later')) : forward();
  };
  const told: unknown[] = [];
  const client = await here.open(inspected({ told, judge, maxBytes: 10 }));
  const contents = ['later', 'no', 'yes', 'no, later', 'much too long', 'end'];
  for (const content of contents)
    client.head('POST / HTTP/1.1', 'Host: app', `Content-Length: ${content.length}`).send(content);
  const server = await here.upstream.next();
  for (const content of ['later', 'yes', 'end']) {
    await server.until(`\r\n\r\n${content}`);
    answer(server, `<${content}>`);
    await client.until(`<${content}>`);
  }
  const bodies = client.received.match(/<\w+>|refused later|refused|too large/g);
  assert.deepEqual(bodies, ['<later>', 'refused', '<yes>', 'refused later', 'too large', '<end>']);
  assert.equal(here.upstream.connections.length, 1);
});

test('engine answers 408 to content that stops, and tells the inspection', async () => {
  const told: unknown[] = [];
  const client = await here.open({ ...inspected({ told }), limits: { bodyTimeoutMs: 100 } });
  client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 10').send('abc');
  assert.match(await client.end(), /^HTTP\/1\.1 408 /);
  assert.deepEqual([told, here.upstream.connections.length], [[408], 0]);
});

test('engine answers 400 to a broken chunk, and tells the inspection', async () => {
  const told: unknown[] = [];
  const client = await here.open(inspected({ told }));
  client.head('POST / HTTP/1.1', 'Host: app', 'Transfer-Encoding: chunked').send('3\r\nabc\r\nnonsense\r\n');
  assert.match(await client.end(), /^HTTP\/1\.1 400 /);
  assert.deepEqual([told, here.upstream.connections.length], [[400], 0]);
});

for (const [how, leave] of [
  ['closes its connection', (client: Wire) => client.socket.destroy()],
  ['resets its connection', (client: Wire) => client.socket.resetAndDestroy()],
  ['ends its side', (client: Wire) => client.socket.end()],
] as const) {
  test(`engine tells the inspection of a client that ${how} while it sends, and asks nobody`, async () => {
    const told: unknown[] = [];
    const client = await here.open({ ...inspected({ told }), limits: { heldBytes: 100_000 } });
    client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 90000').send('x'.repeat(50_000));
    leave(client);
    await until(told, 1);
    assert.deepEqual([told, here.upstream.connections.length], [[499], 0]);
    await thereIsRoom(100_000);
  });

  test(`engine tells a verdict its end whose client ${how} while the content is judged`, async () => {
    const told: unknown[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const { decide } = inspected({ told, judge: (_content, forward) => promise.then(forward) });
    const client = await here.open({
      decide(head, about, forward) {
        about.signal.addEventListener('abort', () => left.resolve());
        return decide?.(head, about, forward) ?? forward();
      },
    });
    client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 3').send('abc');
    await until(told, 1);
    leave(client);
    await left.promise;
    resolve();
    const { status, end, bytesToUpstream } = (await here.gate?.completion(1)) ?? {};
    assert.deepEqual([status, end, bytesToUpstream], [499, 'client-gone', 0]);
    assert.deepEqual([told, here.upstream.connections.length], [['abc'], 0]);
  });
}

/** So many bytes are asked for when they are announced. */
async function thereIsRoom(bytes: number): Promise<void> {
  const client = await here.gate?.connect();
  client?.head('POST /probe HTTP/1.1', 'Host: app', `Content-Length: ${bytes}`, 'Expect: 100-continue');
  await client?.until('HTTP/1.1 100 Continue');
}

test('engine refuses content for which there is no room, announced or not, until what is held has gone on', async () => {
  const told: unknown[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const judge: Judge = (_content, forward) => promise.then(forward);
  const gate = await here.start({ ...inspected({ told, judge }), limits: { heldBytes: 100_000 } });
  const first = await gate.connect();
  first.head('POST /1 HTTP/1.1', 'Host: app', 'Content-Length: 60000').send('x'.repeat(60_000));
  await until(told, 1);
  const announced = await gate.connect();
  announced.head('POST /2 HTTP/1.1', 'Host: app', 'Content-Length: 50000', 'Expect: 100-continue');
  assert.match(await announced.end(), /^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n[^]*no room$/);
  const chunked = await gate.connect();
  chunked.head('POST /3 HTTP/1.1', 'Host: app', 'Transfer-Encoding: chunked');
  chunked.send(`c350\r\n${'y'.repeat(50_000)}\r\n0\r\n\r\n`);
  await chunked.until('HTTP/1.1 503 ', 'no room');
  assert.deepEqual(told.slice(1), ['no-room', 'no-room']);
  resolve();
  const server = await here.upstream.next();
  await server.until('x'.repeat(60_000));
  await thereIsRoom(100_000);
  chunked.head('POST /4 HTTP/1.1', 'Host: app', 'Content-Length: 100000').send('z'.repeat(100_000));
  await (await here.upstream.next()).until('z'.repeat(100_000));
});

test('engine answers 500 when an inspection fails, and reports it', async () => {
  for (const [what, judge] of [
    ['at once', () => assert.fail('a bug')],
    ['later', () => Promise.reject(new Error('a bug'))],
  ] as const satisfies readonly (readonly [string, Judge])[]) {
    const client = await here.open({ ...inspected({ judge }), limits: { heldBytes: 3 } });
    client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 3').send('abc');
    assert.match(await client.end(), /^HTTP\/1\.1 500 /, what);
    await thereIsRoom(3);
    assert.equal(here.gate?.errors.splice(0).length, 1, what);
    await here.gate?.close();
  }
});

test('engine repeats an inspected GET when the kept connection turns out to be dead, and no POST', async () => {
  const client = await here.open(inspected());
  client.head('GET /1 HTTP/1.1', 'Host: app');
  const first = await here.upstream.next();
  await first.until('\r\n\r\n');
  answer(first, 'one');
  await client.until('one');
  first.socket.once('data', () => first.socket.resetAndDestroy());
  client.head('GET /2 HTTP/1.1', 'Host: app');
  const second = await here.upstream.next();
  await second.until('GET /2 ');
  answer(second, 'two');
  await client.until('two');
  second.socket.once('data', () => second.socket.resetAndDestroy());
  client.head('PUT /3 HTTP/1.1', 'Host: app', 'Content-Length: 1').send('x');
  await client.until('failed: reset');
});

/** Reads on, a little now and then, until `done`. */
function readSlowly({ socket }: Wire, everyMs: number): { done(): void } {
  socket.pause();
  const timer = setInterval(() => socket.resume(), everyMs);
  const pause = (): unknown => socket.pause();
  socket.on('data', pause);
  return {
    done() {
      clearInterval(timer);
      socket.off('data', pause);
      socket.resume();
    },
  };
}

for (const [how, options] of [
  ['as it comes', {}],
  ['that was inspected', inspected({ maxBytes: 40_000_000 })],
] as const)
  test(`engine lets an upstream take content ${how} for longer than its response timeout, as long as it takes some`, async () => {
    const upstream = upstreamAt(here.upstream.origin, { responseTimeoutMs: 800 });
    const client = await here.open({ upstream, ...options });
    const content = Buffer.alloc(32_000_000, 'some content of a length that is no power of two. ').toString('latin1');
    client.head('POST / HTTP/1.1', 'Host: app', `Content-Length: ${content.length}`).send(content);
    const server = await here.upstream.next();
    await server.until('\r\n\r\n');
    const reading = readSlowly(server, 10);
    // An upstream that takes nothing is given up after this time: the same for one that is asked meanwhile.
    const other = await here.gate?.connect();
    for (let i = 0; i < 2; i++) {
      other?.head('GET /late HTTP/1.1', 'Host: app');
      await other?.until(...Array.from({ length: i + 1 }, () => 'failed: response-timeout'));
    }
    assert.equal(client.received, '');
    reading.done();
    const sent = await server.until('\r\n\r\n', content.slice(-100));
    await server.when(() => server.received.length >= sent.indexOf('\r\n\r\n') + 4 + content.length);
    assert.ok(server.received.endsWith(`\r\n\r\n${content}`));
    answer(server, 'ok');
    await client.until('\r\n\r\nok');
  });

test('engine passes an early answer on to a request that was inspected, although the upstream has not taken all of it', async () => {
  const client = await here.open({ ...inspected({ maxBytes: 30_000_000 }), limits: { heldBytes: 24_000_000 } });
  client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 24000000').send('x'.repeat(24_000_000));
  const server = await here.upstream.next();
  server.socket.pause();
  answer(server, 'enough');
  await client.until('enough');
  assert.equal((await here.gate?.completion(1))?.end, 'complete');
  await thereIsRoom(24_000_000);
});

test('engine sees a client leave while an upstream takes no more of the content that was inspected', async () => {
  const told: unknown[] = [];
  const client = await here.open(inspected({ told, maxBytes: 30_000_000 }));
  client.head('POST / HTTP/1.1', 'Host: app', 'Content-Length: 24000000').send('x'.repeat(24_000_000));
  const server = await here.upstream.next();
  server.socket.pause();
  client.socket.destroy();
  assert.equal((await here.gate?.completion(1))?.end, 'client-gone');
  server.socket.resume();
  await server.when(() => server.ended || server.closed);
});

test('engine tells of a response that lasts after its request was inspected, however long that took', async () => {
  const heard = Promise.withResolvers<LastingResponse>();
  const judged = Promise.withResolvers<void>();
  let looks = 0;
  const lasts = (response: LastingResponse): Reply | undefined => {
    if (looks++ === 0) judged.resolve();
    else heard.resolve(response);
    return undefined;
  };
  const { decide } = inspected({
    judge: (content, forward) => (content === '' ? forward() : judged.promise.then(forward)),
  });
  const gate = await here.start({ limits: { headTimeoutMs: 80 }, forward: { lasts }, ...(decide && { decide }) });
  // The first to be told of shows that two seconds have passed: so long the other one is judged.
  const clients = [await gate.connect(), await gate.connect()];
  clients[0]?.head('POST /2 HTTP/1.1', 'Host: app', 'Content-Length: 1').send('x');
  clients[1]?.head('GET /1 HTTP/1.1', 'Host: app');
  (await here.upstream.next()).head('HTTP/1.1 200 OK', 'Content-Length: 10');
  (await here.upstream.next()).head('HTTP/1.1 200 OK', 'Content-Length: 10');
  assert.equal((await heard.promise).eventStream, false);
});

const aContent = fc.record({
  body: fc.string({ maxLength: 60 }).map((text) => text.replace(/[^a-z]/g, 'x')),
  chunks: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
  as: fc.constantFrom('forward', 'forward later', 'reply', 'reply later'),
});

test('engine judges and sends the same, and answers in order, however requests are cut and judged', async (t) => {
  const judge: Judge = (content, forward) => {
    const as = content.split(':')[0] ?? '';
    const judged = (): Judgement => (as.startsWith('reply') ? says(`[${content}]`) : forward());
    return as.endsWith('later') ? new Promise((resolve) => setImmediate(() => resolve(judged()))) : judged();
  };
  const echo = http.createServer((request, response) => {
    request.setEncoding('latin1');
    let content = '';
    request.on('data', (text: string) => {
      content += text;
    });
    request.on('end', () => response.end(`[${content}]`));
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  t.after(() => echo.close());
  const upstream = upstreamAt(`http://127.0.0.1:${portOf(echo)}`);
  const gate = await here.start({ upstream, ...inspected({ judge }), limits: { heldBytes: 40_000 } });
  await fc.assert(
    fc.asyncProperty(
      fc.array(aContent, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      async (all, cuts) => {
        const client = await gate.connect();
        const contents = all.map(({ as, body }) => `${as}:${body}`);
        const bytes = all.map((one, i) => requestWith(contents[i] ?? '', one.chunks)).join('');
        const at = [0, ...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b);
        const sending = (async () => {
          for (let i = 1; i < at.length; i++) {
            client.send(bytes.slice(at[i - 1], at[i]));
            await new Promise((resolve) => setImmediate(resolve));
          }
        })();
        await client.until(...contents.map((content) => `[${content}]`));
        await sending;
        assert.deepEqual(
          client.received.match(/\[[^\]]*\]/g),
          contents.map((content) => `[${content}]`),
        );
        client.socket.destroy();
        await once(client.socket, 'close');
      },
    ),
    { numRuns: 60 },
  );
  await gate.settled();
  await thereIsRoom(40_000);
});

function requestWith(content: string, chunkSize: number | undefined): string {
  const head = 'POST / HTTP/1.1\r\nHost: app\r\n';
  if (chunkSize === undefined) return `${head}Content-Length: ${content.length}\r\n\r\n${content}`;
  let chunks = '';
  for (let at = 0; at < content.length; at += chunkSize) {
    const chunk = content.slice(at, at + chunkSize);
    chunks += `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
  }
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
}
