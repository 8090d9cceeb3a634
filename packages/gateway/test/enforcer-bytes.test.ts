/**
 * What passes through an app with limits: answers and questions as they are on the wire on both sides of the gateway, by raw
 * sockets. Nothing differs but what the tables here name, each with its reason.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, suite, test } from 'node:test';
import { type LlmTestBackend, startLlmTestBackend } from '../../sample-app/src/llm-test-backend.ts';
import { makeKey } from './credentials.ts';
import { startTestGateway, type TestGateway, until } from './harness.ts';
import { type RawResponse, readResponse } from './raw-response.ts';
import {
  dial,
  type HeardLine,
  type Incoming,
  type ScriptedApp,
  startHeardLine,
  startScriptedApp,
  wholeResponse,
} from './raw-sockets.ts';

/** What may differ between the lines of an app's answer and those that the client gets, and why. */
const permitted: Readonly<Record<string, { readonly why: string; readonly how: (from: Lines, to: Lines) => boolean }>> =
  {
    connection: {
      why: 'about one connection (RFC 9110, 7.6.1): the client has another one, and is told when that ends',
      how: (_, to) => to.length === 0 || String(to) === 'Connection: close',
    },
    'keep-alive': { why: 'about one connection', how: (_, to) => to.length === 0 },
    'x-named': { why: 'Connection names it: it is about one connection as well', how: (_, to) => to.length === 0 },
    'transfer-encoding': {
      why: 'about one connection: framed anew, and where the app has none, as an answer that ends with its connection',
      how: (from, to) => from.length <= 1 && String(to) === 'Transfer-Encoding: chunked',
    },
    'content-length': {
      why: 'an answer without content has none (RFC 9110, 8.6)',
      how: (from, to) => String(from) === 'Content-Length: 0' && to.length === 0,
    },
    trailer: { why: 'announces trailers, where the framing has none', how: (_, to) => to.length === 0 },
    date: {
      why: 'who passes on an answer without one says when (RFC 9110, 6.6.1)',
      how: (from, to) => from.length === 0 && to.length === 1,
    },
    'set-cookie': {
      why: 'an app cannot sign anybody in or out: our cookies are ours, all others pass',
      how: (from, to) => String(from.filter((line) => !/^set-cookie: (?:__Host-)?cardea/i.test(line))) === String(to),
    },
    'ratelimit-policy': {
      why: 'tells the client which limits hold',
      how: (from, to) => from.length === 0 && /^RateLimit-Policy: "requests-per-minute";q=\d+;w=60, /.test(String(to)),
    },
    ratelimit: {
      why: 'tells the client what is left of them',
      how: (from, to) =>
        from.length === 0 &&
        /^RateLimit: "requests-per-minute";r=\d+(?:;t=\d+)?, "concurrent";r=\d+, /.test(String(to)),
    },
  };
type Lines = readonly string[];
const seen = new Set<string>();

/** The names of fields that differ; anything that may not is a failure. */
function differences(sent: Lines, got: Lines): readonly string[] {
  const named = (lines: Lines, name: string): Lines => lines.filter((line) => nameOf(line) === name);
  const different = Object.entries(permitted).flatMap(([name, { how }]) => {
    const [from, to] = [named(sent, name), named(got, name)];
    if (String(from) === String(to)) return [];
    assert.ok(how(from, to), `${name}: ${JSON.stringify(from)} has become ${JSON.stringify(to)}`);
    return [name];
  });
  // Where it stands among the others is no part of it.
  const left = (lines: Lines): Lines =>
    lines.filter((line) => ![...different, 'transfer-encoding'].includes(nameOf(line)));
  assert.deepEqual(left(got), left(sent));
  for (const name of different) seen.add(name);
  return different;
}
const nameOf = (line: string): string => line.slice(0, line.indexOf(':')).toLowerCase();

/** The same answer on both sides. */
function compare(sent: RawResponse, got: RawResponse): readonly string[] {
  assert.equal(got.head.statusLine, sent.head.statusLine);
  assert.deepEqual(got.interim, sent.interim);
  assert.ok(got.body.equals(sent.body), 'the content is another');
  assert.deepEqual(got.trailers, sent.framing === 'chunked' ? sent.trailers : []);
  assert.equal(got.rest, 0, 'something comes behind the answer');
  return differences(sent.head.lines, got.head.lines);
}
const limited = ['ratelimit-policy', 'ratelimit'];

let backend: LlmTestBackend;
let line: HeardLine;
let scripted: ScriptedApp;
let gateway: TestGateway;
let key: string;
const clients: Incoming[] = [];

before(async () => {
  backend = await startLlmTestBackend();
  line = await startHeardLine(backend.origin);
  scripted = await startScriptedApp();
  const app = (name: string, upstream: string, models: string): string => `
  - name: ${name}
    host: ${name}.corp.example
    upstream: { url: "${upstream}", credential: "\${file:backend.key}" }
    headers: { user: x-orion-user, groups: x-orion-groups, upn: false, email: false, name: false, roles: false, assertion: false }
    rules: [{ path: /v1/**, groups: [llm-users] }]
    limits:
      tiers:
        - { name: max, groups: [llm-users], requests_per_minute: 100000, concurrent: 100, tokens_per_minute: 100000000${models} }
`;
  gateway = await startTestGateway({
    files: { 'backend.key': 'backend-key\n' },
    config: () =>
      `sign_in: [{ api_key: {} }]\napps:${app('llm', line.origin, ', models: ["*-echo", small-embedding, no-*]')}${app('raw', scripted.origin, '')}`,
  });
  key = await makeKey(gateway.folder, 'desk', '--group', 'llm-users,a team');
});
after(async () => {
  await gateway?.close();
  await line?.close();
  await scripted?.close();
  await backend?.close();
});
afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  scripted.forget();
});

/** Sends a request as it is written here; `KEY` stands for the key. */
async function ask(lines: Lines, content: string | Buffer = ''): Promise<Incoming> {
  const client = await dial(gateway.origin);
  clients.push(client);
  client.socket.write(`${lines.join('\r\n')}\r\n\r\n`.replaceAll('KEY', key), 'latin1');
  client.socket.write(content);
  return client;
}
const request = (host: string, method: string, path: string, body?: string | Buffer, more: Lines = []): Lines => [
  `${method} ${path} HTTP/1.1`,
  `Host: ${host}.corp.example`,
  'Authorization: Bearer KEY',
  ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]),
  ...more,
];

suite('answers of the test backend', () => {
  /** The answer on both sides. */
  async function both(method: string, path: string, body?: object | string) {
    line.forget();
    const text = typeof body === 'object' ? JSON.stringify(body) : body;
    const client = await ask(request('llm', method, path, text), text);
    const got = await wholeResponse(client, method);
    const sent = readResponse(line.heard(), method, false);
    assert.ok(sent?.complete);
    return { sent, got };
  }
  const chat = (more: object): object => ({
    model: 'small-echo',
    messages: [{ content: 'Zürich, 東京 und\r\n\tRom' }],
    ...more,
  });
  const asked = (metadata: object, more: object = {}): object => chat({ metadata, ...more });
  const path = '/v1/chat/completions';
  const own = [...limited, 'connection', 'keep-alive'];

  for (const [what, status, method, target, body] of [
    ['JSON', 200, 'POST', path, chat({})],
    ['a list of models', 200, 'GET', '/v1/models'],
    ['no content to a HEAD', 200, 'HEAD', '/v1/models'],
    ['embeddings', 200, 'POST', '/v1/embeddings', { model: 'small-embedding', input: ['a', 'b'] }],
    ['a stream', 200, 'POST', path, chat({ stream: true })],
    ['a stream with its cost', 200, 'POST', path, chat({ stream: true, stream_options: { include_usage: true } })],
    ['a stream of 500 chunks', 200, 'POST', path, asked({ chunks: '500' }, { stream: true })],
    ['a stream with a trailer', 200, 'POST', path, asked({ trailer: 'yes' }, { stream: true })],
    [
      'a stream of the Responses API',
      200,
      'POST',
      '/v1/responses',
      { model: 'small-echo', input: 'a b', stream: true },
    ],
    ['what is compressed', 200, 'POST', path, asked({ encoding: 'gzip' })],
    ['sound', 200, 'POST', '/v1/audio/speech', { model: 'small-echo', input: 'hi' }],
    ['an error about the request', 400, 'POST', path, { model: 'small-echo' }],
    ['an error about the model', 404, 'POST', path, { model: 'no-such', messages: [] }],
    ['an error about the address', 404, 'GET', '/v1/nothing'],
    ['an error of its own limits', 429, 'POST', path, asked({ status: '429' })],
    ['an error of its own', 500, 'POST', path, asked({ status: '500' })],
    ['an error of its own before a stream', 503, 'POST', path, asked({ status: '503' }, { stream: true })],
  ] as const)
    test(`${what} (${status}) is the same on both sides`, async () => {
      const { sent, got } = await both(method, target, body);
      assert.match(got.head.statusLine, new RegExp(`^HTTP/1.1 ${status} `));
      assert.deepEqual([...compare(sent, got)].sort(), [...own].sort());
      assert.equal(got.framing, sent.framing);
    });

  test('a stream that breaks off has come as far as it went, and has no end on either side', async () => {
    line.forget();
    const text = JSON.stringify(asked({ break_after: '2' }, { stream: true }));
    const client = await ask(request('llm', 'POST', path, text), text);
    await until(() => client.closed, 'the end');
    const [sent, got] = [line.heard(), client.bytes].map((bytes) => readResponse(bytes, 'POST', true));
    assert.ok(sent !== undefined && got !== undefined);
    assert.deepEqual([...compare(sent, got)].sort(), [...own].sort());
    assert.deepEqual([sent.complete, got.complete], [false, false]);
    assert.match(got.body.toString(), /Zürich, .*東京 /s);
  });
});

suite('answers that a test has written', () => {
  /** The answer on both sides. With `ends` the app ends its connection behind it. */
  async function both(method: string, answer: string | Buffer, ends = false) {
    const bytes = typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer;
    const client = await ask(request('raw', method, '/v1/x'));
    const app = await nextRequest(client);
    app.socket.write(bytes);
    if (ends) app.socket.end();
    const got = await wholeResponse(client, method);
    const sent = readResponse(bytes, method, ends);
    assert.ok(sent?.complete);
    return { sent, got };
  }
  const date = 'Date: Mon, 01 Jan 2024 00:00:00 GMT';
  const lines = (...all: readonly string[]): string => all.join('\r\n');
  const everything = randomBytes(1024 * 1024);

  for (const [what, method, answer, more] of [
    [
      'fields in any order and spelling, some of them twice, and a phrase of its own',
      'GET',
      lines(
        'HTTP/1.1 200 Fine Then',
        'X-b: 1',
        'x-A: 2',
        'X-B: 3',
        'x-b: 3',
        'SERVER: vllm',
        'Via: 1.1 inside',
        'x-request-id: of-the-backend',
        'openai-processing-ms: 12',
        'x-ratelimit-limit-requests: 60',
        'x-ratelimit-remaining-requests: 59',
        'Set-Cookie: a=1; Path=/',
        'set-cookie: b="2, 3"; Expires=Mon, 01 Jan 2029 00:00:00 GMT',
        'WWW-Authenticate: Basic realm="x"',
        'X-Latin: caf\xe9',
        'X-UTF-8: caf\xc3\xa9',
        'X-Blanks: a  b\tc',
        date,
        'Content-Length: 2',
        '',
        'ok',
      ),
      [],
    ],
    [
      'no content (204)',
      'POST',
      lines('HTTP/1.1 204 No Content', date, 'Content-Length: 0', '', ''),
      ['content-length'],
    ],
    ['what has not changed (304)', 'GET', lines('HTTP/1.1 304 Not Modified', date, 'ETag: "x"', '', ''), []],
    ['the length of what a HEAD asks for', 'HEAD', lines('HTTP/1.1 200 OK', date, 'Content-Length: 54321', '', ''), []],
    [
      'a status that nobody knows, without a phrase',
      'GET',
      lines('HTTP/1.1 299 ', date, 'Content-Length: 1', '', '!'),
      [],
    ],
    ['an error that nobody knows', 'GET', lines('HTTP/1.1 599 Oh', date, 'Content-Length: 1', '', '!'), []],
    ['no date', 'GET', lines('HTTP/1.1 200 OK', 'Content-Length: 0', '', ''), ['date']],
    [
      'what is about one connection',
      'GET',
      lines(
        'HTTP/1.1 200 OK',
        date,
        'Connection: keep-alive, X-Named',
        'X-Named: hop',
        'Keep-Alive: timeout=9',
        'Content-Length: 0',
        '',
        '',
      ),
      ['connection', 'keep-alive', 'x-named'],
    ],
    [
      'a cookie of ours among others',
      'GET',
      lines(
        'HTTP/1.1 200 OK',
        date,
        'Set-Cookie: a=1',
        'Set-Cookie: __Host-cardea=forged; Secure; Path=/',
        'Set-Cookie: b=2',
        'Content-Length: 0',
        '',
        '',
      ),
      ['set-cookie'],
    ],
    [
      'chunks with trailers',
      'GET',
      lines(
        'HTTP/1.1 200 OK',
        date,
        'Trailer: X-Sum, x-Tokens',
        'Transfer-Encoding: chunked',
        '',
        '5',
        'ab\r\nc',
        '0',
        'X-Sum: 1',
        'x-Tokens: 2',
        'X-Sum: 3',
        '',
        '',
      ),
      [],
    ],
    [
      'trailers announced in vain',
      'GET',
      lines('HTTP/1.1 200 OK', date, 'Trailer: X-Sum', 'Content-Length: 1', '', '!'),
      ['trailer'],
    ],
    [
      'an answer for now (103) in front',
      'GET',
      lines(
        'HTTP/1.1 103 Early Hints',
        'Link: </a>',
        'Link: </b>',
        '',
        'HTTP/1.1 200 OK',
        date,
        'Content-Length: 1',
        '',
        '!',
      ),
      [],
    ],
    [
      'a megabyte of anything',
      'POST',
      Buffer.concat([
        Buffer.from(
          lines('HTTP/1.1 200 OK', date, 'Content-Type: application/octet-stream', 'Content-Length: 1048576', '', ''),
        ),
        everything,
      ]),
      [],
    ],
    [
      'what is said to be JSON and is not',
      'POST',
      lines('HTTP/1.1 200 OK', date, 'Content-Type: application/json', 'Content-Length: 9', '', '{"usage":'),
      [],
    ],
    [
      'what is said to be compressed and is not',
      'POST',
      lines(
        'HTTP/1.1 200 OK',
        date,
        'Content-Type: application/json',
        'Content-Encoding: gzip',
        'Content-Length: 2',
        '',
        '{}',
      ),
      [],
    ],
  ] as const)
    test(`${what}: the same on both sides`, async () => {
      const { sent, got } = await both(method, answer);
      assert.deepEqual([...compare(sent, got)].sort(), [...limited, ...more].sort());
      assert.equal(got.framing, sent.framing);
    });

  test('an answer that ends with its connection: the same content, in chunks', async () => {
    const { sent, got } = await both('GET', lines('HTTP/1.1 200 OK', date, '', 'ab\r\nc'), true);
    assert.deepEqual([...compare(sent, got)].sort(), [...limited, 'transfer-encoding'].sort());
    assert.equal(got.framing, 'chunked');
  });

  test('a stream passes chunk by chunk: each has gone on before the next is there', async () => {
    const client = await ask(request('raw', 'POST', '/v1/x', '{"stream":true}'), '{"stream":true}');
    const app = await nextRequest(client);
    app.socket.write(
      lines('HTTP/1.1 200 OK', date, 'Content-Type: text/event-stream', 'Transfer-Encoding: chunked', '', ''),
    );
    const response = (): RawResponse | undefined => readResponse(client.bytes, 'POST', client.closed);
    await client.until(response); // the head goes on by itself
    const pieces = [
      'data: {"a',
      '":1}\n',
      '\n',
      ': still here\n\n',
      '\xe6\x9d',
      '\xb1',
      '\r\n0\r\n\r\n',
      'd',
      'data: [DONE]\n\n',
    ]
      .map((text) => Buffer.from(text, 'latin1'))
      .concat(everything.subarray(0, 50_000));
    for (const [i, piece] of pieces.entries()) {
      app.socket.write(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]));
      const sofar = Buffer.concat(pieces.slice(0, i + 1));
      await client.until(() => (response()?.body.length === sofar.length ? true : undefined));
    }
    app.socket.write('0\r\n\r\n');
    const got = await wholeResponse(client, 'POST');
    const small = pieces.slice(0, -1);
    assert.deepEqual(got.pieces.slice(0, small.length), small);
    assert.ok(got.body.equals(Buffer.concat(pieces)));
  });

  test('an app hears at once that the client of a silent stream has left', async () => {
    const client = await ask(request('raw', 'POST', '/v1/x', '{"stream":true}'), '{"stream":true}');
    const app = await nextRequest(client);
    app.socket.write(lines('HTTP/1.1 200 OK', date, 'Content-Type: text/event-stream', '', 'data: 1\n\n'));
    await client.until(({ bytes }) => bytes.includes('data: 1') || undefined);
    client.socket.destroy();
    await until(() => app.closed, 'the end of the connection to the app');
  });

  test('the tables name no difference that there is not', () => {
    assert.deepEqual([...seen].sort(), Object.keys(permitted).sort());
  });
});

/** The next request to the scripted app, complete; what it sent before is forgotten. */
async function nextRequest(
  client: Incoming,
): Promise<Incoming & { readonly asked: { readonly lines: Lines; readonly body: Buffer } }> {
  const refused = client
    .until(({ bytes }) => readResponse(bytes, 'POST', true))
    .then(
      ({ head }) => assert.fail(`The gateway has answered itself: ${head.statusLine}`),
      () => assert.fail('The gateway has not let it through'),
    );
  const app = await Promise.race([scripted.next(), refused]);
  refused.catch(() => {}); // what comes now is the app's answer
  const asked = await app.until(({ bytes }) => readRequest(bytes));
  app.forget();
  return Object.assign(app, { asked });
}

/** A whole request; its content without the chunks around it. */
function readRequest(bytes: Buffer): { readonly lines: Lines; readonly body: Buffer } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const all = bytes.subarray(0, end).toString('latin1').split('\r\n');
  // Its content is read as that of an answer with the same fields.
  const like = Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK${bytes.subarray(all[0]?.length, end + 4).toString('latin1')}`, 'latin1'),
    bytes.subarray(end + 4),
  ]);
  const framed = all.some((line) => /^(?:content-length|transfer-encoding):/i.test(line));
  const message = readResponse(like, framed ? 'POST' : 'HEAD', false);
  return message?.complete === true ? { lines: all, body: message.body } : undefined;
}

suite('requests', () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  const strange =
    '\r\n { "model" : "small-\\u0065cho",\t"messages":[{"role":"user","content":"\\ud83d\\ude00 😀 \\/ 東"}],"seed":1.0e0,"big":12345678901234567890,"x":{"x":1,"x":2} }\n  ';

  /** What has come of it at the app. */
  async function arrived(lines: Lines, content: string | Buffer = '') {
    const client = await ask(lines, content);
    const app = await nextRequest(client);
    app.socket.write(answer);
    assert.match((await wholeResponse(client, 'POST')).head.statusLine, / 200 /);
    return app.asked;
  }
  const ours: Lines = [
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Host: raw.corp.example',
    'Authorization: Bearer backend-key',
    'x-orion-user: key:desk',
    'x-orion-groups: llm-users,a team',
  ];

  test('a request has the identity and the credential of the gateway, and nothing that its client has made up', async () => {
    const { lines: got } = await arrived(
      [
        'POST /v1/chat/completions?api-version=1%2F2&x HTTP/1.1',
        'Host: raw.corp.example',
        'accept: application/json',
        'User-Agent: OpenAI/Python 3.54.0',
        'X-Stainless-Lang: python',
        'x-stainless-lang: again',
        'authorization: Bearer KEY',
        'x-orion-user: CORP\\root',
        'X-ORION-GROUPS: admins',
        'X_Orion_User: CORP\\root',
        'x.orion.groups: admins',
        'X-Forwarded-For: 10.9.9.9',
        'X-Request-Id: mine',
        'OpenAI-Organization: org',
        'X-Latin: caf\xe9',
        'Connection: keep-alive',
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(strange)}`,
      ],
      strange,
    );
    const [line_ = '', ...fields] = got;
    assert.equal(line_, 'POST /v1/chat/completions?api-version=1%2F2&x HTTP/1.1');
    const own = (line: string): boolean => ours.includes(line) || /^X-Request-Id: [\w-]{36}$/.test(line);
    assert.deepEqual(
      fields.filter(own).toSorted(),
      [...ours, fields.find((line) => line.startsWith('X-Request-Id')) ?? ''].toSorted(),
    );
    assert.deepEqual(
      fields.filter((line) => !own(line)),
      [
        'Host: raw.corp.example',
        'accept: application/json',
        'User-Agent: OpenAI/Python 3.54.0',
        'X-Stainless-Lang: python',
        'x-stainless-lang: again',
        'OpenAI-Organization: org',
        'X-Latin: caf\xe9',
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(strange)}`,
      ],
    );
  });

  for (const [where, fields] of [
    ['in X-API-Key', ['X-API-Key: KEY']],
    ['in X-API-Key, beside an Authorization of another kind', ['X-API-Key: KEY', 'Authorization: Basic YTpi']],
  ] as const)
    test(`a key ${where} ends at the gateway`, async () => {
      const { lines: got } = await arrived(['GET /v1/models HTTP/1.1', 'Host: raw.corp.example', ...fields]);
      const about = got.filter((line) => /^(?:authorization|x-api-key):/i.test(line));
      assert.deepEqual(about, ['Authorization: Bearer backend-key']);
      assert.doesNotMatch(String(got), /cardea_|YTpi/);
    });

  const upload = Buffer.concat([
    Buffer.from('--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'),
    randomBytes(2 ** 20),
  ]);
  const chunksOf = (bytes: Buffer, size: number): Buffer => {
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size);
      chunks.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
    }
    return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
  };
  for (const [what, type, body] of [
    ['JSON with blanks, escapes and numbers of all kinds', 'application/json', Buffer.from(strange)],
    [
      'a long text',
      'application/json; charset=utf-8',
      Buffer.from(JSON.stringify({ model: 'm', input: 'ö'.repeat(400_000) })),
    ],
    ['a megabyte of anything', 'multipart/form-data; boundary=x', upload],
    ['nothing', 'application/json', Buffer.alloc(0)],
  ] as const)
    for (const [how, framing, size] of [
      ['in one piece', (bytes: Buffer) => `Content-Length: ${bytes.length}`, undefined],
      ['in chunks', () => 'Transfer-Encoding: chunked', 1_000],
    ] as const)
      test(`content is the same at the app: ${what}, ${how}`, async () => {
        const head = [...request('raw', 'POST', '/v1/x'), `Content-Type: ${type}`, framing(body)];
        const got = await arrived(head, size === undefined ? body : chunksOf(body, size));
        assert.ok(got.body.equals(body), `${got.body.length} bytes, not ${body.length}`);
      });

  test('a client that waits for a 100 is told to go on, and its content is the same at the app', async () => {
    const client = await ask(request('raw', 'POST', '/v1/x', strange, ['Expect: 100-continue']));
    await client.until(({ bytes }) => bytes.toString() === 'HTTP/1.1 100 Continue\r\n\r\n' || undefined);
    client.socket.write(strange);
    const app = await nextRequest(client);
    app.socket.write(answer);
    await wholeResponse(client, 'POST');
    assert.equal(app.asked.body.toString(), strange);
  });
});
