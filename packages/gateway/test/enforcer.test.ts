/** An app with limits, tried from outside: tiers, models, counting, what the backend gets, and what is written down. */
import assert from 'node:assert/strict';
import { Agent, request as httpRequest } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type LlmTestBackend, startLlmTestBackend } from '../../sample-app/src/llm-test-backend.ts';
import { idOf, makeKey, reasons } from './credentials.ts';
import {
  asBrowser,
  openSocket,
  send,
  startTestGateway,
  type TestGateway,
  type TestResponse,
  until,
  usersFile,
} from './harness.ts';

const host = 'llm.corp.example';

/** An app behind the enforcer; `limits` as the configuration has them. */
const configuration = (backend: string, limits: string): string => `
sign_in:
  - password: { users: users.yaml }
  - api_key: {}
apps:
  - name: llm
    host: ${host}
    upstream: { url: "${backend}", credential: "\${file:backend.key}" }
    headers: { user: x-orion-user, groups: x-orion-groups, upn: false, email: false, name: false, roles: false, assertion: false }
    rules:
      - { path: /health, public: true }
      - { path: /v1/**, any_of: [{ groups: [llm-users] }, { credentials: [api_key] }] }
      - { path: /realtime, signed_in: true }
    limits: ${limits}
`;

const users = {
  alice: ['llm-users', 'llm-max', 'Team AI'],
  bob: ['llm-users'],
  carol: ['dep2'],
  dora: ['llm-users', 'llm-none'],
};

interface Stand {
  readonly gateway: TestGateway;
  readonly backend: LlmTestBackend;
  /** A request as somebody: by the session of a name, or by a key. */
  ask(who: string, body: unknown, more?: Ask): Promise<TestResponse>;
  cookie(name: string): string;
  /** The record of one request; waits for it to be written. */
  usage(requestId: string): Promise<Row>;
  rows(): readonly Row[];
  /** Anew, when the sessions may have ended. */
  signInAll(): Promise<void>;
  close(): Promise<void>;
}

/** A row of usage, as the database has it. */
type Row = Readonly<Record<string, unknown>>;

interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
  readonly raw?: string | Uint8Array;
}

async function startStand(limits: string, now?: () => number): Promise<Stand> {
  const backend = await startLlmTestBackend();
  try {
    return await startBefore(backend, limits, now);
  } catch (error) {
    await backend.close();
    throw error;
  }
}

async function startBefore(backend: LlmTestBackend, limits: string, now?: () => number): Promise<Stand> {
  const gateway = await startTestGateway({
    files: { 'users.yaml': await usersFile(users), 'backend.key': 'backend-key\n' },
    config: () => configuration(backend.origin, limits),
    threads: 1,
    ...(now === undefined ? {} : { now }),
  });
  const cookies = new Map<string, string>();
  const signInAll = async (): Promise<void> => {
    for (const name of Object.keys(users)) cookies.set(name, await signInAt(gateway, name));
  };
  await signInAll();
  const credential = (who: string): Record<string, string> =>
    who.startsWith('cardea_') ? { 'X-API-Key': who } : { Cookie: cookies.get(who) ?? '' };
  const database = gateway.database();
  const rows = (): readonly Row[] => database.prepare('SELECT * FROM usage ORDER BY id').all();
  return {
    gateway,
    backend,
    rows,
    signInAll,
    usage: async (requestId) => {
      const found = (): Row | undefined => rows().find((row) => row['request_id'] === requestId);
      await until(() => found() !== undefined, `the record of ${requestId}`);
      return found() ?? {};
    },
    cookie: (name) => cookies.get(name) ?? '',
    ask: (who, body, { path = '/v1/chat/completions', method = 'POST', headers = {}, agent, raw } = {}) =>
      send(`${gateway.origin}${path}`, {
        method,
        headers: {
          Host: host,
          ...credential(who),
          ...(body === undefined && raw === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(raw !== undefined ? { body: raw } : body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(agent === undefined ? {} : { agent }),
      }),
    close: async () => {
      await gateway.close();
      await backend.close();
    },
  };
}

/** The cookie of a session on the app's host. */
async function signInAt(gateway: TestGateway, name: string): Promise<string> {
  const answer = await send(`${gateway.origin}/auth/login`, {
    method: 'POST',
    headers: { Host: host, 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ name, password: `${name}-password`, return: '/' }).toString(),
  });
  const cookie = (answer.headers['set-cookie'] ?? []).find((line) => line.startsWith('cardea='));
  return cookie?.split(';')[0] ?? '';
}

const chat = (model: string, more: Readonly<Record<string, unknown>> = {}) => ({
  model,
  messages: [{ role: 'user', content: 'one two three' }],
  ...more,
});

const codeOf = ({ body }: TestResponse): string => JSON.parse(body).error.code;

/** The number of the request, which the backend got. */
const idAt = (backend: LlmTestBackend): string => fieldAt(backend, 'x-request-id') ?? '';

/** A field of the last request that the backend got. */
function fieldAt(backend: LlmTestBackend, name: string): string | undefined {
  const fields = backend.received.at(-1)?.fields ?? [];
  const at = fields.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return at === -1 ? undefined : fields[at + 1];
}

suite('An app with tiers and models', () => {
  let stand: Stand;
  let key: string;
  before(async () => {
    stand = await startStand(`
      tiers:
        - { name: max, groups: [llm-max], requests_per_minute: 1000, tokens_per_minute: 1000000 }
        - { name: default, groups: [llm-users], requests_per_minute: 1000, models: ["small-*"] }
        - { name: programs, groups: [crawler], requests_per_minute: 1000, models: [small-echo, large-echo] }
      max_body: 100KiB`);
    key = await makeKey(stand.gateway.folder, 'crawler', '--group', 'crawler');
  });
  after(() => stand?.close());

  test('the backend gets the identity, the key of the gateway, and nothing of the credential of the client', async () => {
    const { status, headers } = await stand.ask('alice', chat('large-echo'), {
      headers: { 'X-Orion-User': 'CORP\\bob', Authorization: 'Bearer sk-own' },
    });
    assert.equal(status, 200);
    assert.equal(fieldAt(stand.backend, 'authorization'), 'Bearer backend-key');
    assert.equal(fieldAt(stand.backend, 'x-orion-user'), 'CORP\\alice');
    assert.equal(fieldAt(stand.backend, 'x-orion-groups'), 'llm-users,llm-max,Team AI');
    assert.equal(fieldAt(stand.backend, 'cookie'), undefined);
    assert.match(String(headers['ratelimit']), /"requests-per-minute";r=999/);
    assert.match(
      String(headers['ratelimit-policy']),
      /"requests-per-minute";q=1000;w=60, "tokens-per-minute";q=1000000/,
    );
  });

  test('the body arrives byte for byte, also as chunks', async () => {
    const text = ` { "model" : "large-echo",\n "messages":[{"role":"user","content":"ä\\u00e4"}] } `;
    const sent = await stand.ask('alice', undefined, {
      raw: text,
      headers: { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' },
    });
    assert.equal(sent.status, 200, sent.body);
    assert.equal(stand.backend.received.at(-1)?.body.toString(), text);
  });

  test('a request is written down once, with person, tier, model and tokens', async () => {
    await stand.ask('alice', chat('large-echo'));
    const row = await stand.usage(idAt(stand.backend));
    assert.deepEqual(
      [
        row['app'],
        row['account'],
        row['tier'],
        row['tier_groups'],
        row['model'],
        row['status'],
        row['refusal'],
        row['estimated'],
      ],
      ['llm', 'CORP\\alice', 'max', '["llm-max"]', 'large-echo', 200, null, 0],
    );
    assert.deepEqual([row['tokens_in'], row['tokens_out']], [3, 3]);
  });

  test('a stream without usage is counted by its pieces, and marked as an estimate', async () => {
    const { body } = await stand.ask('alice', chat('large-echo', { stream: true }));
    assert.match(body, /data: \[DONE\]/);
    const row = await stand.usage(idAt(stand.backend));
    assert.deepEqual([row['tokens_out'], row['estimated'], Number(row['tokens_in']) > 0], [3, 1, true]);
    assert.equal(typeof row['first_token_ms'], 'number');
  });

  test('a stream with usage is counted by what the backend tells', async () => {
    await stand.ask('alice', chat('large-echo', { stream: true, stream_options: { include_usage: true } }));
    const row = await stand.usage(idAt(stand.backend));
    assert.deepEqual([row['tokens_in'], row['tokens_out'], row['estimated']], [3, 3, 0]);
  });

  test('a compressed answer is counted, and arrives compressed', async () => {
    const { headers } = await stand.ask('alice', chat('large-echo', { metadata: { encoding: 'gzip' } }));
    assert.equal(headers['content-encoding'], 'gzip');
    const row = await stand.usage(idAt(stand.backend));
    assert.deepEqual([row['tokens_in'], row['tokens_out']], [3, 3]);
  });

  test('a model outside the tier is refused with 403 in words that clients of OpenAI show, and does not reach the backend', async () => {
    const before = stand.backend.received.length;
    const answer = await stand.ask('bob', chat('large-echo'));
    assert.deepEqual(
      [answer.status, codeOf(answer), JSON.parse(answer.body).error.param],
      [403, 'model_not_allowed', 'model'],
    );
    assert.match(answer.body, /may not use the model large-echo/);
    assert.equal(stand.backend.received.length, before);
    const row = await stand.usage(JSON.parse(answer.body).error.request_id);
    assert.deepEqual(
      [row['refusal'], row['status'], row['model'], row['tier']],
      ['model-not-allowed', 403, 'large-echo', 'default'],
    );
    assert.equal((await stand.ask('bob', chat('small-echo'))).status, 200);
  });

  for (const [what, raw, headers] of [
    ['no model', '{"messages":[]}', {}],
    ['a body that is not JSON by its type', '{"model":"large-echo","messages":[]}', { 'Content-Type': 'text/plain' }],
    ['a body without a type', '{"model":"large-echo","messages":[]}', { 'Content-Type': '' }],
    ['a compressed body', gzipSync('{"model":"large-echo","messages":[]}'), { 'Content-Encoding': 'gzip' }],
    ['an empty body', '', {}],
  ] as const)
    test(`${what} is no model that a tier with models may use`, async () => {
      const before = stand.backend.received.length;
      const answer = await stand.ask('bob', undefined, {
        raw,
        headers: { 'Content-Type': 'application/json', ...headers },
      });
      assert.deepEqual([answer.status, codeOf(answer)], [403, 'model_not_allowed'], answer.body);
      assert.equal(stand.backend.received.length, before);
    });

  for (const [what, raw, code] of [
    ['two models', '{"model":"small-echo","model":"large-echo","messages":[]}', 'duplicate_name'],
    ['a model in another spelling beside it', '{"model":"small-echo","Model":"large-echo"}', 'ambiguous_name'],
    ['no JSON', '{"model":"small-echo"', 'not_json'],
    ['a list', '[1]', 'not_an_object'],
  ] as const)
    test(`a body with ${what} is refused as such`, async () => {
      const before = stand.backend.received.length;
      const answer = await stand.ask('alice', undefined, { raw, headers: { 'Content-Type': 'application/json' } });
      assert.deepEqual([answer.status, codeOf(answer)], [400, code]);
      assert.equal(stand.backend.received.length, before);
    });

  test('a request without content names no model and asks none', async () => {
    const answer = await stand.ask('bob', undefined, { path: '/v1/models', method: 'GET' });
    assert.equal(answer.status, 200);
    const row = await stand.usage(idAt(stand.backend));
    assert.deepEqual([row['model'], row['status'], row['tokens_in']], [null, 200, null]);
  });

  test('a WebSocket names no model that a tier with models may use', async () => {
    const url = `${stand.gateway.origin}/realtime?model=large-echo`;
    const { origin } = stand.gateway;
    const shake = (who: string) =>
      openSocket(url, { Host: host, Cookie: stand.cookie(who), Origin: origin.replace(/\/\/.*:/, `//${host}:`) });
    const answer = await shake('bob');
    assert.equal(answer.kind === 'refused' && answer.status, 403);
    await until(
      () => stand.rows().some(({ refusal, account }) => refusal === 'model-not-allowed' && account === 'CORP\\bob'),
      'its record',
    );
  });

  test('who is in no tier may not use the app, though the rules let them in', async () => {
    const answer = await stand.ask('dora', chat('small-echo'));
    assert.equal(answer.status, 200, 'dora is in llm-users');
    const stranger = await makeKey(stand.gateway.folder, 'stranger');
    const refused = await stand.ask(stranger, chat('small-echo'));
    assert.deepEqual([refused.status, codeOf(refused)], [403, 'no_tier']);
    assert.ok(reasons(stand.gateway, 'refused').includes('no-tier'));
  });

  test('an API key has the tier of its groups, is counted for itself, and is named in the record', async () => {
    const answer = await stand.ask(key, chat('large-echo'));
    assert.equal(answer.status, 200);
    const row = await stand.usage(idAt(stand.backend));
    assert.deepEqual([row['tier'], row['api_key']], ['programs', idOf(key)]);
    assert.equal(fieldAt(stand.backend, 'x-api-key'), undefined);
  });

  test('who may not use the app by the rules never gets to its limits', async () => {
    const answer = await stand.ask('carol', chat('small-echo'));
    const { error } = JSON.parse(answer.body);
    assert.deepEqual([answer.status, error.code, error.type], [403, 'not_allowed', 'invalid_request_error']);
    assert.equal(error.message, 'This account may not do this');
  });

  test('who is not signed in is told so in the same form, and a person with a browser gets the page', async () => {
    const url = `${stand.gateway.origin}/v1/models`;
    const program = await send(url, { headers: { Host: host, Authorization: 'Bearer x' } });
    assert.deepEqual([program.status, codeOf(program)], [401, 'not_signed_in']);
    const person = await send(url, { headers: { Host: host, ...asBrowser } });
    assert.equal(person.status, 303);
  });

  test('what is public is not counted, and does not get the key of the gateway', async () => {
    const before = stand.rows().length;
    const open = await send(`${stand.gateway.origin}/health`, { headers: { Host: host, Authorization: 'Bearer own' } });
    assert.equal(open.status, 401, 'the backend has not seen its key');
    assert.equal(fieldAt(stand.backend, 'authorization'), undefined);
    assert.equal(fieldAt(stand.backend, 'x-orion-user'), undefined);
    await stand.ask('alice', undefined, { path: '/health', method: 'GET' });
    assert.equal(fieldAt(stand.backend, 'authorization'), undefined);
    await stand.ask('alice', chat('small-echo'));
    await stand.usage(idAt(stand.backend));
    assert.equal(stand.rows().length, before + 1);
  });

  test('a body that is too long is refused with 413 before it was sent', async () => {
    const answer = await stand.ask('alice', chat('small-echo', { user: 'x'.repeat(200_000) }));
    assert.deepEqual([answer.status, codeOf(answer)], [413, 'request_too_large']);
  });

  test('trailers of a request do not arrive', async () => {
    await new Promise((resolve, reject) => {
      const request = httpRequest(`${stand.gateway.origin}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          Host: host,
          Cookie: stand.cookie('alice'),
          'Content-Type': 'application/json',
          Trailer: 'X-Api-Key',
          'Transfer-Encoding': 'chunked',
        },
      });
      request.on('response', (response) => response.resume().on('end', resolve));
      request.on('error', reject);
      request.write(JSON.stringify(chat('small-echo')));
      request.addTrailers({ 'X-Api-Key': 'sk-own' });
      request.end();
    });
    assert.equal(stand.backend.received.at(-1)?.body.toString(), JSON.stringify(chat('small-echo')));
  });

  test("the gateway's key for the backend is written nowhere", async () => {
    const { body } = await send(`${stand.gateway.admin}/metrics`);
    assert.ok(!`${stand.gateway.written()}${body}${JSON.stringify(stand.rows())}`.includes('backend-key'));
  });

  test('metrics tell models of the configuration by name, and others not', async () => {
    const { body } = await send(`${stand.gateway.admin}/metrics`);
    assert.match(body, /cardea_model_requests_total\{app="llm",tier="programs",model="large-echo",result="ok"\} 1/);
    assert.match(body, /cardea_limit_decisions_total\{app="llm",result="granted"\} \d+/);
    assert.ok(!body.includes('small-echo"') || body.includes('model="small-echo"'));
  });
});

suite('An app with limits', () => {
  let stand: Stand;
  let clock = 0;
  before(async () => {
    clock = Date.now();
    stand = await startStand(
      `
      tiers: [{ name: default, requests_per_minute: 20, concurrent: 1, tokens_per_day: 2000 }]
      groups: [{ group: Team AI, requests_per_minute: 5 }]
      usual_answer: 100`,
      () => clock,
    );
  });
  after(() => stand?.close());
  const limitOf = ({ body }: TestResponse): string => JSON.parse(body).error.limit;
  /** A test begins with all that it may use. */
  const nextDay = (): Promise<void> => {
    clock += 86_400_000;
    return stand.signInAll();
  };

  test('one request at a time: another gets 429 and a time to wait, and the next one passes when the stream has ended', async () => {
    const slow = stand.ask('bob', chat('slow-echo', { stream: true }));
    await until(() => stand.backend.inProgress() === 1, 'the stream is under way');
    const second = await stand.ask('bob', chat('small-echo'));
    assert.deepEqual([second.status, limitOf(second)], [429, 'concurrent']);
    assert.match(String(second.headers['retry-after']), /^[1-9]\d*$/);
    assert.equal((await slow).status, 200);
    assert.equal((await stand.ask('bob', chat('small-echo'))).status, 200);
  });

  test('requests one after the other on one connection never meet their own place', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    clock += 61_000;
    const statuses = [];
    for (let i = 0; i < 20; i++) statuses.push((await stand.ask('bob', chat('small-echo'), { agent })).status);
    agent.destroy();
    assert.deepEqual(new Set(statuses), new Set([200]));
  });

  test('requests beyond those of a minute get 429, are in usage each time, and in the audit log once', async () => {
    const answers = [];
    clock += 61_000;
    for (let i = 0; i < 24; i++) answers.push(await stand.ask('bob', chat('small-echo')));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [...Array<number>(20).fill(200), ...Array<number>(4).fill(429)],
    );
    const last = answers.at(-1);
    assert.match(last?.body ?? '', /Rate limit reached: 20 requests per minute\. Try again in \d+ s\./);
    assert.match(String(last?.headers['ratelimit']), /"requests-per-minute";r=0;t=\d+/);
    const refused = (): number => stand.rows().filter(({ refusal }) => refusal === 'requests-per-minute').length;
    await until(() => refused() === 4, 'four records');
    assert.equal(reasons(stand.gateway, 'refused').filter((reason) => reason === 'requests-per-minute').length, 1);
  });

  test('of somebody who does not stop asking a hundred refusals in a minute are kept, and all are counted', async () => {
    await nextDay();
    const kept = (): number =>
      stand.rows().filter(({ time, refusal }) => refusal !== null && Number(time) >= clock).length;
    for (let i = 0; i < 20 + 105; i++) await stand.ask('dora', chat('small-echo'));
    await stand.ask('bob', chat('small-echo'));
    await stand.usage(idAt(stand.backend));
    assert.equal(kept(), 100);
  });

  test('a group shares its limit, beside what each member may', async () => {
    clock += 61_000;
    const statuses = [];
    for (let i = 0; i < 6; i++) {
      const answer = await stand.ask('alice', chat('small-echo'));
      statuses.push(answer.status);
      if (answer.status === 429) assert.match(answer.body, /5 requests per minute \(shared by the group team ai\)/);
    }
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429]);
  });

  test('tokens are set aside before, and what was used counts after', async () => {
    await nextDay();
    const left = ({ headers }: TestResponse): number =>
      Number(/"tokens-per-day";r=(\d+)/.exec(String(headers['ratelimit']))?.[1]);
    const bounded = await stand.ask('bob', chat('small-echo', { max_tokens: 500 }));
    const before = left(bounded);
    // The first had set 500 and some aside; it has used six.
    const after = await stand.ask('bob', chat('small-echo', { max_tokens: 500 }));
    assert.equal(left(after), before - 6);
  });

  test('a request for more tokens than its limit has is refused for ever, and says so', async () => {
    const answer = await stand.ask('bob', chat('small-echo', { max_tokens: 3000 }));
    assert.deepEqual(
      [answer.status, codeOf(answer), answer.headers['retry-after']],
      [429, 'request_too_large', undefined],
    );
    assert.equal(answer.headers['x-should-retry'], 'false');
  });

  test('a client that leaves in mid-stream ends the request at the backend, and its place is free', async () => {
    await nextDay();
    const request = httpRequest(`${stand.gateway.origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { Host: host, Cookie: stand.cookie('bob'), 'Content-Type': 'application/json' },
    });
    request.on('error', () => {});
    request.end(JSON.stringify(chat('slow-echo', { stream: true, metadata: { chunks: '100' } })));
    await new Promise((resolve) => request.on('response', (response) => response.once('data', resolve)));
    const left = Date.now();
    request.destroy();
    await until(() => stand.backend.inProgress() === 0, 'the backend has heard of it');
    const heard = stand.backend.received.at(-1)?.end;
    assert.equal(heard?.how, 'gone');
    assert.ok((heard?.at ?? 0) - left < 1_000);
    assert.equal((await stand.ask('bob', chat('small-echo'))).status, 200);
  });

  test('a client that leaves before the head of the answer ends the request too', async () => {
    const request = httpRequest(`${stand.gateway.origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { Host: host, Cookie: stand.cookie('bob'), 'Content-Type': 'application/json' },
    });
    request.on('error', () => {});
    request.end(JSON.stringify(chat('small-echo', { metadata: { silent_ms: '60000' } })));
    await until(() => stand.backend.inProgress() === 1, 'the request is under way');
    request.destroy();
    await until(() => stand.backend.inProgress() === 0, 'the backend has heard of it');
    const row = await stand.usage(idAt(stand.backend));
    assert.deepEqual([row['status'], row['estimated']], [null, 1]);
    assert.equal((await stand.ask('bob', chat('small-echo'))).status, 200);
  });

  for (const [what, metadata] of [
    ['an error of the backend', { status: '500' }],
    ['an answer that breaks off', { break_after: '1' }],
  ] as const)
    test(`${what} frees the place`, async () => {
      await stand.ask('bob', chat('small-echo', { stream: true, metadata })).catch(() => undefined);
      await stand.usage(idAt(stand.backend));
      assert.equal((await stand.ask('bob', chat('small-echo'))).status, 200);
    });

  test('an error that tells no tokens costs none', async () => {
    await nextDay();
    const answer = await stand.ask('bob', chat('small-echo', { max_tokens: 500, metadata: { status: '500' } }));
    assert.equal(answer.status, 500);
    const next = await stand.ask('bob', undefined, { path: '/v1/models', method: 'GET' });
    assert.match(String(next.headers['ratelimit']), /"tokens-per-day";r=2000/);
  });
});

test('a proxy that asks by forward-auth gets nothing for an app with limits, and no key', async () => {
  const backend = await startLlmTestBackend();
  const gateway = await startTestGateway({
    files: { 'users.yaml': await usersFile(users), 'backend.key': 'backend-key' },
    config: () =>
      `trusted_proxies: [127.0.0.1]\nforward_auth: { proxy: nginx }\n${configuration(backend.origin, '{ tiers: [{ name: a, concurrent: 1 }] }')}`,
  });
  try {
    const cookie = await signInAt(gateway, 'alice');
    const answer = await send(`${gateway.origin}/auth/validate`, {
      headers: {
        Host: host,
        Cookie: cookie,
        'X-Original-URI': '/v1/models',
        'X-Original-Method': 'GET',
        'X-Original-Host': host,
        'X-Forwarded-For': '10.0.0.9',
        'X-Forwarded-Proto': 'https',
      },
    });
    assert.ok(answer.status >= 400, String(answer.status));
    assert.ok(!JSON.stringify(answer).includes('backend-key'));
    assert.deepEqual(reasons(gateway, 'refused'), ['not-by-forward-auth']);
  } finally {
    await gateway.close();
    await backend.close();
  }
});
