import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Gate, startGate, upstreamAt, type Wire } from './engine-testing.ts';

let gate: Gate | undefined;

afterEach(async () => {
  await gate?.close();
  assert.deepEqual(gate?.errors ?? [], []);
  gate = undefined;
});

async function open(handle: (request: Request) => Promise<Response>, maxBody = 100): Promise<Wire> {
  gate = await startGate({
    upstream: upstreamAt('http://127.0.0.1:1'),
    decide: () => ({ kind: 'endpoint', maxBody, handle }),
  });
  return gate.connect();
}

test('endpoint gets method, absolute URL, fields and content', async () => {
  const client = await open(async (request) => {
    const { method, url, headers } = request;
    return Response.json({
      method,
      url,
      cookie: headers.get('cookie'),
      list: headers.get('x-list'),
      text: await request.text(),
    });
  });
  client
    .head(
      'POST /auth/me?q=1 HTTP/1.1',
      'Host: app.example:8443',
      'Cookie: a=1',
      'X-List: 1',
      'X-List: 2',
      'Content-Length: 5',
    )
    .send('hello');
  const answer = await client.until('"text":"hello"}');
  assert.match(answer, /\r\nContent-Type: application\/json/i);
  assert.deepEqual(JSON.parse(/\{.*\}/.exec(answer)?.[0] ?? ''), {
    method: 'POST',
    url: 'http://app.example:8443/auth/me?q=1',
    cookie: 'a=1',
    list: '1, 2',
    text: 'hello',
  });
});

test('endpoint sends several Set-Cookie fields as several', async () => {
  const client = await open(async () => {
    const headers = new Headers([
      ['Set-Cookie', 'a=1; Path=/'],
      ['Set-Cookie', 'b=2'],
    ]);
    return new Response(null, { status: 303, headers });
  });
  client.head('GET / HTTP/1.1', 'Host: a');
  const answer = await client.until('\r\n\r\n');
  assert.deepEqual(answer.match(/^set-cookie: .*$/gim), ['set-cookie: a=1; Path=/', 'set-cookie: b=2']);
  assert.match(answer, /^HTTP\/1\.1 303 See Other\r\n/);
  assert.match(answer, /\r\nContent-Length: 0\r\n/);
});

test('endpoint streams its answer at the pace of the client', async () => {
  const size = 20_000_000;
  let produced = 0;
  const client = await open(async () => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(100_000));
        produced += 100_000;
        if (produced === size) controller.close();
      },
    });
    return new Response(body);
  });
  client.socket.pause();
  client.head('GET / HTTP/1.1', 'Host: a');
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(produced < size, true);
  client.socket.resume();
  await client.when(() => client.received.length > size && client.received.endsWith('\r\n0\r\n\r\n'));
  assert.equal(produced, size);
});

test('endpoint answers HEAD without content, and the connection goes on', async () => {
  const client = await open(async (request) => new Response('letters', { headers: { 'X-Method': request.method } }));
  client.head('HEAD / HTTP/1.1', 'Host: a').head('GET / HTTP/1.1', 'Host: a');
  const answer = await client.until('x-method: GET', 'letters');
  assert.equal(answer.match(/letters/g)?.length, 1);
});

for (const [what, head, content] of [
  ['announced', 'Content-Length: 101', 'x'.repeat(101)],
  ['in chunks', 'Transfer-Encoding: chunked', `65\r\n${'x'.repeat(101)}\r\n0\r\n\r\n`],
] as const) {
  test(`endpoint is not asked when the content is too large, ${what}: 413`, async () => {
    let asked = false;
    const client = await open(async () => {
      asked = true;
      return new Response('no');
    });
    client.head('POST / HTTP/1.1', 'Host: a', head).send(content);
    assert.match(await client.end(), /^HTTP\/1\.1 413 /);
    assert.equal(asked, false);
  });
}

test('endpoint takes content of just the allowed size after 100 Continue', async () => {
  const client = await open(async (request) => new Response(`${(await request.bytes()).length} bytes`));
  client.head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 100', 'Expect: 100-continue');
  await client.until('HTTP/1.1 100 Continue\r\n\r\n');
  client.send('x'.repeat(100));
  await client.until('100 bytes');
});

for (const target of ['*', 'http://other.example/', 'relative']) {
  test(`endpoint is not asked for the target ${target}: 400`, async () => {
    const client = await open(async () => new Response('no'));
    client.head(`OPTIONS ${target} HTTP/1.1`, 'Host: a');
    assert.match(await client.end(), /^HTTP\/1\.1 400 /);
  });
}

test('endpoint sees the Host in its URL, whatever the target looks like', async () => {
  const client = await open(async (request) => new Response(request.url));
  client.head('GET //evil.example/x HTTP/1.1', 'Host: app');
  await client.until('http://app//evil.example/x');
});

test('endpoint that fails becomes 500 and is reported', async () => {
  const client = await open(() => Promise.reject(new Error('bug')));
  client.head('GET / HTTP/1.1', 'Host: a');
  assert.match(await client.end(), /^HTTP\/1\.1 500 /);
  assert.deepEqual(gate?.errors.splice(0).map(String), ['Error: bug']);
});

test('endpoint whose answer breaks off is cut and reported', async () => {
  const client = await open(async () => {
    let first = true;
    return new Response(
      new ReadableStream<Uint8Array>({
        pull(controller) {
          if (first) controller.enqueue(Buffer.from('part'));
          else controller.error(new Error('bug'));
          first = false;
        },
      }),
    );
  });
  client.head('GET / HTTP/1.1', 'Host: a');
  assert.doesNotMatch(await client.end(), /\r\n0\r\n/);
  assert.equal(gate?.errors.splice(0).length, 1);
});

test('endpoint hears by the signal that the client has left', async () => {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const client = await open(async (request) => {
    request.signal.addEventListener('abort', () => gone.resolve());
    asked.resolve();
    await gone.promise;
    return new Response('too late');
  });
  client.head('GET / HTTP/1.1', 'Host: a');
  await asked.promise;
  client.socket.destroy();
  await gone.promise;
});
