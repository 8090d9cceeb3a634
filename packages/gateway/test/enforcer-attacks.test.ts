/**
 * An app with limits in the hands of somebody who wants more than their tier, or everybody else to have less. What each of
 * them tried has once worked, or could have.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { type LlmTestBackend, startLlmTestBackend } from '../../sample-app/src/llm-test-backend.ts';
import { makeKey } from './credentials.ts';
import { send, startTestGateway, type TestGateway, type TestResponse, until } from './harness.ts';
import { dial, type Incoming } from './raw-sockets.ts';
import { startEcho } from '../src/doctor/echo.ts';
import { probeField, probeToken } from '../src/server/probe.ts';
import { openKeys } from '../src/stores/key-file.ts';
import { KeyRing } from '../src/tokens/key-ring.ts';
import { sealer } from '../src/tokens/seal.ts';

const host = 'llm.corp.example';

const configuration = (backend: string, limits: string, more = ''): string => `
sign_in: [{ api_key: {} }]
${more}
apps:
  - name: llm
    host: ${host}
    upstream: { url: "${backend}", credential: backend-key }
    headers: { user: x-orion-user, groups: x-orion-groups, upn: false, email: false, name: false, roles: false, assertion: false }
    rules: [{ path: /**, signed_in: true }]
    limits: ${limits}
`;

const start = (backend: string, limits: string, threads = 1): Promise<TestGateway> =>
  startTestGateway({ config: () => configuration(backend, limits), threads });

const chatPath = '/v1/chat/completions';
const chat = (model: string, more: object = {}): object => ({
  model,
  messages: [{ role: 'user', content: 'one two three' }],
  ...more,
});

interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const ask = (
  gateway: TestGateway,
  key: string,
  body: string | Uint8Array | object | undefined,
  { path = chatPath, method = 'POST', headers = {} }: Ask = {},
): Promise<TestResponse> =>
  send(`${gateway.origin}${path}`, {
    method,
    headers: { Host: host, 'X-API-Key': key, 'Content-Type': 'application/json', ...headers },
    ...(body === undefined
      ? {}
      : { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }),
  });

/** Usage as the database has it. */
const rowsOf = (gateway: TestGateway): readonly Readonly<Record<string, unknown>>[] =>
  gateway.database().prepare('SELECT * FROM usage ORDER BY id').all();

suite('Somebody who wants another model than their tier has', () => {
  let backend: LlmTestBackend;
  let gateway: TestGateway;
  let key: string;
  before(async () => {
    backend = await startLlmTestBackend();
    gateway = await start(backend.origin, '{ tiers: [{ name: small, models: ["small-*"] }] }');
    key = await makeKey(gateway.folder, 'eve');
  });
  after(async () => {
    await gateway?.close();
    await backend?.close();
  });

  for (const [what, body, more] of [
    ['a list with commas, which LiteLLM takes apart', chat('small-echo, large-echo'), {}],
    ['a query, which LiteLLM puts over the body', chat('small-echo'), { path: `${chatPath}?model=large-echo` }],
    ['a query in another spelling', chat('small-echo'), { path: `${chatPath}?a=1&Mod%65l[]=large-echo` }],
    ['a query of a GET', undefined, { path: '/v1/models?model=large-echo', method: 'GET' }],
    ['models to fall back on', chat('small-echo', { models: ['small-echo', 'large-echo'] }), {}],
    ['fallbacks', chat('small-echo', { fallbacks: [{ model: 'large-echo' }] }), {}],
    ['a tool', chat('small-echo', { tools: [{ type: 'image_generation', model: 'large-echo' }] }), {}],
    ['a deployment', chat('small-echo', { deployment_id: 'large-echo' }), {}],
    [
      'UTF-7, which body-parser reads',
      '{"model":"small-echo","+AG0-odel":"large-echo"}',
      { headers: { 'Content-Type': 'application/json; charset=utf-7' } },
    ],
    [
      'UTF-7 in quotes',
      '{"model":"small-echo","+AG0-odel":"large-echo"}',
      { headers: { 'Content-Type': 'application/json; a=b ; charset="utf-7"' } },
    ],
    [
      'a form that is JSON too',
      '{"model":"small-echo","x":"&model=large-echo&"}',
      { headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
    ],
    ['a coding that CGI knows', chat('small-echo'), { headers: { Content_Encoding: 'deflate' } }],
    ['another method in a field', undefined, { method: 'POST', headers: { 'X-HTTP-Method-Override': 'GET' } }],
  ] as const)
    test(`cannot name it by ${what}`, async () => {
      const had = backend.received.length;
      const answer = await ask(gateway, key, body, more);
      assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [403, 'model_not_allowed'], answer.body);
      assert.equal(backend.received.length, had);
    });

  test('cannot name it within extra_body', async () => {
    const answer = await ask(gateway, key, chat('small-echo', { extra_body: { model: 'large-echo' } }));
    assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [400, 'ambiguous_name']);
  });

  test('may say UTF-8, and name models of their tier anywhere', async () => {
    const more = { models: ['small-echo'], extra_body: { top_k: 4 }, fallbacks: null };
    const headers = { 'Content-Type': 'application/json; charset="UTF-8"; version=1' };
    const answer = await ask(gateway, key, chat('small-echo', more), { path: `${chatPath}?model=small-x`, headers });
    assert.equal(answer.status, 200, answer.body);
  });

  test('cannot keep a thread busy for seconds with a body', async () => {
    const body = `{"model":"small-echo","messages":[${'[],'.repeat(5_000_000)}0]}`;
    const answer = await ask(gateway, key, body);
    assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [400, 'too_complex']);
  });
});

suite('Somebody who wants more tokens than their tier has', () => {
  let backend: LlmTestBackend;
  let gateway: TestGateway;
  before(async () => {
    backend = await startLlmTestBackend();
    const tokens = '{ tiers: [{ name: all, tokens_per_day: 100000, concurrent: 5 }], usual_answer: 1000 }';
    gateway = await start(backend.origin, tokens);
  });
  after(async () => {
    await gateway?.close();
    await backend?.close();
  });
  /** What somebody has left of a day whose first request this is, while it is in progress. */
  async function leftAfter(body: string | object, more: Ask = {}): Promise<number> {
    const key = await makeKey(gateway.folder, `eve${Math.random()}`);
    const { headers } = await ask(gateway, key, body, more);
    return Number(/"tokens-per-day";r=(\d+)/.exec(String(headers['ratelimit']))?.[1]);
  }
  const long = 'word '.repeat(8_000);

  for (const [what, body, more, most] of [
    ['more than there is', chat('small-echo', { max_tokens: 90_000.5 }), {}, 10_000],
    ['a bound in quotes', chat('small-echo', { max_tokens: '90000' }), {}, 10_000],
    ['a prompt that calls itself data', chat('small-echo', { messages: [{ content: `data: ${long}` }] }), {}, 90_000],
    ['a prompt in another member', chat('small-echo', { documents: [{ text: long }] }), {}, 90_000],
    [
      'a prompt of another type',
      chat('small-echo', { messages: [{ content: long }] }),
      { headers: { 'Content-Type': 'text/plain' } },
      90_000,
    ],
  ] as const)
    test(`pays before for ${what}`, async () => {
      const left = await leftAfter(body, more);
      assert.ok(left <= most, String(left));
    });
});

/** An app that says what a test has written down to whatever comes. */
async function startRude(answers: (socket: Socket, request: string) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => answers(socket, chunk.toString('latin1')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

for (const threads of [1, 2])
  suite(`A place is free again (${threads} threads)`, () => {
    let backend: LlmTestBackend;
    let gateway: TestGateway;
    let key: string;
    before(async () => {
      backend = await startLlmTestBackend();
      gateway = await start(
        backend.origin,
        '{ tiers: [{ name: all, concurrent: 1, tokens_per_day: 100000000 }] }',
        threads,
      );
      key = await makeKey(gateway.folder, 'eve');
    });
    after(async () => {
      await gateway?.close();
      await backend?.close();
    });
    const isFree = (): Promise<void> =>
      until(async () => (await ask(gateway, key, chat('small-echo'))).status === 200, 'the place is free', 5_000);
    const head = (length: number, ...more: readonly string[]): string =>
      [
        `POST ${chatPath} HTTP/1.1`,
        `Host: ${host}`,
        `X-API-Key: ${key}`,
        'Content-Type: application/json',
        `Content-Length: ${length}`,
        ...more,
        '',
        '',
      ].join('\r\n');
    const body = JSON.stringify(chat('slow-echo', { stream: true, metadata: { chunks: '50' } }));
    const whole = (): string => head(body.length) + body;
    const text = ({ bytes }: Incoming): string => bytes.toString('latin1');

    for (const [what, bytes] of [
      ['in its head', () => whole().slice(0, 60)],
      ['before its body', () => head(body.length)],
      ['in its body', () => whole().slice(0, -20)],
      ['in a body that was to be asked for', () => head(body.length, 'Expect: 100-continue')],
      ['as soon as it is complete', whole],
      ['with another one behind it', () => whole() + whole()],
    ] as const)
      for (const how of ['reset', 'end'] as const)
        test(`after a request whose client leaves ${what} (${how})`, async () => {
          const client = await dial(gateway.origin);
          client.socket.write(bytes());
          if (what.includes('asked for')) await client.until((it) => (text(it).includes('100') ? true : undefined));
          // The bytes have arrived before the end does, with a request of somebody else's between them.
          await ask(gateway, key, undefined, { path: '/v1/models', method: 'GET' });
          if (how === 'reset') client.socket.resetAndDestroy();
          else client.socket.end();
          await isFree();
        });

    test('after clients that leave at any moment', async () => {
      const had = backend.received.length;
      for (let i = 0; i < 40; i++) {
        const client = await dial(gateway.origin);
        client.socket.write(whole());
        await new Promise((resolve) => setTimeout(resolve, i / 2));
        client.socket.resetAndDestroy();
      }
      await isFree();
      assert.ok(backend.received.length > had + 5, 'some had come so far');
      await until(() => backend.inProgress() === 0, 'the backend has heard of all');
    });

    test('after a handshake that the backend refuses', async () => {
      const client = await dial(gateway.origin);
      client.socket.write(
        [
          'GET /v1/realtime HTTP/1.1',
          `Host: ${host}`,
          `X-API-Key: ${key}`,
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
          '',
          '',
        ].join('\r\n'),
      );
      await client.until((it) => (/^HTTP\/1.1 404 /.test(text(it)) ? true : undefined));
      client.socket.destroy();
      await isFree();
    });

    test('and every request is written down once', async () => {
      const gone = (): number => rowsOf(gateway).length;
      let last = -1;
      await until(() => {
        const now = gone();
        const settled = now === last;
        last = now;
        return settled;
      }, 'all is written');
      const ids = rowsOf(gateway).map((row) => row['request_id']);
      assert.equal(new Set(ids).size, ids.length);
    });
  });

suite('A backend that behaves badly', () => {
  let backend: Awaited<ReturnType<typeof startRude>>;
  let gateway: TestGateway;
  let key: string;
  let answer: (socket: Socket) => void = () => {};
  before(async () => {
    backend = await startRude((socket, request) => {
      if (request.includes('GET /free')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      else answer(socket);
    });
    const limits = '{ tiers: [{ name: all, concurrent: 1, requests_per_minute: 100000, tokens_per_day: 100000000 }] }';
    gateway = await start(backend.origin, limits);
    key = await makeKey(gateway.folder, 'eve');
  });
  after(async () => {
    await gateway?.close();
    await backend?.close();
  });
  const isFree = (): Promise<void> =>
    until(
      async () => (await ask(gateway, key, undefined, { path: '/free', method: 'GET' })).status === 204,
      'the place is free',
      5_000,
    );

  for (const [what, bytes, ends] of [
    ['closes at once', '', true],
    ['breaks off its head', 'HTTP/1.1 200 OK\r\nConte', true],
    ['answers nonsense', 'HELLO\r\n\r\n', true],
    [
      'breaks off its JSON',
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"a"',
      true,
    ],
    [
      'breaks off its gzip',
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n\x1f\x8b\x08',
      true,
    ],
    [
      'calls nothing gzip',
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n',
      false,
    ],
    [
      'calls nothing br',
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n',
      false,
    ],
    [
      'says 304',
      'HTTP/1.1 304 Not Modified\r\nContent-Type: application/json\r\nContent-Encoding: zstd\r\n\r\n',
      false,
    ],
    [
      'says 103 before',
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      false,
    ],
    ['says 101 unasked', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n', true],
    [
      'says two answers',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno',
      false,
    ],
  ] as const)
    for (const method of ['POST', 'HEAD'])
      test(`keeps no place when it ${what} (${method})`, async () => {
        answer = (socket) => {
          socket.write(Buffer.from(bytes, 'latin1'));
          if (ends) socket.end();
        };
        await ask(gateway, key, method === 'POST' ? chat('x') : undefined, { method }).catch(() => undefined);
        await isFree();
        // Retries of `isFree` are refused, and written down as such.
        const passed = (): number => rowsOf(gateway).filter(({ refusal }) => refusal === null).length;
        await until(() => passed() === counted + 2, `two records: ${passed() - counted}`);
        counted = passed();
      });
  let counted = 0;

  for (const who of ['client', 'backend'] as const)
    test(`keeps no place when it has opened a WebSocket that the ${who} ends`, async () => {
      const opened = Promise.withResolvers<Socket>();
      answer = (socket) => {
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
        );
        opened.resolve(socket);
      };
      const client = await dial(gateway.origin);
      const fields = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
      const nonce = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
      client.socket.write(
        ['GET /ws HTTP/1.1', `Host: ${host}`, `X-API-Key: ${key}`, ...fields, nonce, '', ''].join('\r\n'),
      );
      await client.until(({ bytes }) => (bytes.includes('101 Switching') ? true : undefined));
      assert.equal((await ask(gateway, key, undefined, { path: '/free', method: 'GET' })).status, 429);
      if (who === 'client') client.socket.resetAndDestroy();
      else (await opened.promise).destroy();
      await isFree();
      client.socket.destroy();
      const passed = (): number => rowsOf(gateway).filter(({ refusal }) => refusal === null).length;
      await until(() => passed() === counted + 2, 'two records');
      counted = passed();
    });

  test('does not mix its own limits with ours', async () => {
    answer = (socket) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRateLimit: "requests-per-minute";r=1\r\nratelimit-policy: "x";q=1\r\nX-RateLimit-Limit: 7\r\n\r\nok',
      );
    const { headers } = await ask(gateway, key, chat('x'));
    assert.match(
      String(headers['ratelimit']),
      /^"requests-per-minute";r=99\d+, "concurrent";r=0, "tokens-per-day";r=\d+;t=\d+$/,
    );
    assert.doesNotMatch(String(headers['ratelimit-policy']), /"x"/);
    assert.equal(headers['x-ratelimit-limit'], '7');
  });
});

test('An API key and the tokens that are made of it are one program, with one limit', async () => {
  const backend = await startLlmTestBackend();
  const issuer = 'https://auth.corp.example';
  const more = `issuer: { url: ${issuer}, clients: [{ id: desktop, audience: llm, groups: ["*"] }] }`;
  const both = `sign_in: [{ api_key: {} }, { bearer: { issuers: [{ issuer: "${issuer}", audience: llm }] } }]`;
  const limits = '{ tiers: [{ name: all, requests_per_minute: 2 }] }';
  const gateway = await startTestGateway({
    config: () => configuration(backend.origin, limits, more).replace('sign_in: [{ api_key: {} }]', both),
  });
  try {
    const key = await makeKey(gateway.folder, 'eve');
    const given = await ask(gateway, key, {}, { path: '/desktop/token' });
    const token = String(JSON.parse(given.body).access_token);
    const look = async (fields: Readonly<Record<string, string>>): Promise<number> =>
      (await send(`${gateway.origin}/v1/models`, { headers: { Host: host, ...fields } })).status;
    const byKey = { 'X-API-Key': key };
    const byToken = { Authorization: `Bearer ${token}` };
    const statuses = [await look(byKey), await look(byToken), await look(byKey), await look(byToken)];
    assert.deepEqual(statuses, [200, 200, 429, 429]);
  } finally {
    await gateway.close();
    await backend.close();
  }
});

test('Who uploads slowly, and much at the same time, leaves room for others', async () => {
  const backend = await startLlmTestBackend();
  const limits = '{ tiers: [{ name: all, tokens_per_minute: 100000000 }], max_body: 100KiB }';
  const gateway = await startTestGateway({
    threads: 1,
    config: () => configuration(backend.origin, limits, 'limits: { held: 1MiB }'),
  });
  const slow: Incoming[] = [];
  try {
    const [eve, bob] = [await makeKey(gateway.folder, 'eve'), await makeKey(gateway.folder, 'bob')];
    const fields = ['Content-Type: application/json', 'Content-Length: 100000', '', ''];
    const head = [`POST ${chatPath} HTTP/1.1`, `Host: ${host}`, `X-API-Key: ${eve}`, ...fields].join('\r\n');
    for (let i = 0; i < 12; i++) {
      const client = await dial(gateway.origin);
      slow.push(client);
      client.socket.write(`${head}{"model":"small-echo","x":"${'x'.repeat(90_000)}`);
    }
    const refused = (): number => slow.filter(({ bytes }) => bytes.includes('overloaded')).length;
    await until(() => refused() >= 8, 'the others of hers are refused');
    const answer = await ask(gateway, bob, chat('small-echo', { user: 'x'.repeat(90_000) }));
    assert.equal(answer.status, 200, answer.body);
  } finally {
    for (const { socket } of slow) socket.destroy();
    await gateway.close();
    await backend.close();
  }
});

test("A probe of doctor does not get the gateway's key for the app", async () => {
  const backend = await startLlmTestBackend();
  const gateway = await start(backend.origin, '{ tiers: [{ name: all, concurrent: 5 }] }');
  const echo = await startEcho();
  try {
    const keys = sealer(new KeyRing(openKeys(`${gateway.folder}/state`, Date.now())), 'probe');
    const token = probeToken(keys, { kind: 'anybody', port: echo.port }, Date.now());
    const path = `${gateway.origin}/v1/models?cardea-doctor=n1`;
    const { body } = await send(path, { headers: { Host: host, [probeField]: token, Authorization: 'Bearer own' } });
    assert.equal(body, 'cardea-doctor');
    const arrived = echo.arrived('n1') ?? [];
    assert.ok(arrived.length > 0);
    assert.doesNotMatch(arrived.join(), /backend-key|Bearer own/);
  } finally {
    await echo.close();
    await gateway.close();
    await backend.close();
  }
});

test('A page that may read the answers of an app may read what they say of its limits', async () => {
  const backend = await startLlmTestBackend();
  const origin = 'https://portal.corp.example';
  const cors = `cors: { origins: ["${origin}"], expose: [X-Own, retry-after] }\n    limits:`;
  const gateway = await startTestGateway({
    config: () =>
      configuration(backend.origin, '{ tiers: [{ name: all, requests_per_minute: 1 }] }').replace('limits:', cors),
  });
  try {
    const key = await makeKey(gateway.folder, 'eve');
    const headers = { Origin: origin };
    for (const status of [200, 429]) {
      const answer = await ask(gateway, key, undefined, { path: '/v1/models', method: 'GET', headers });
      assert.equal(answer.status, status);
      const exposed = 'X-Own, retry-after, RateLimit, RateLimit-Policy, X-Should-Retry';
      assert.equal(answer.headers['access-control-expose-headers'], exposed);
    }
  } finally {
    await gateway.close();
    await backend.close();
  }
});
