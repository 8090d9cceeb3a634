import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { sound } from './llm-test-answers.ts';
import { type LlmTestBackend, startLlmTestBackend } from './llm-test-backend.ts';

let backend: LlmTestBackend;
before(async () => {
  backend = await startLlmTestBackend();
});
after(() => backend.close());
beforeEach(() => backend.forget());

const authorization = { Authorization: 'Bearer backend-key', 'x-orion-user': 'alice' };
const post = (path: string, body: object | string, headers: Readonly<Record<string, string>> = authorization) =>
  fetch(`${backend.origin}/v1${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const chat = (content: string, more: object = {}) =>
  post('/chat/completions', { model: 'small-echo', messages: [{ role: 'user', content }], ...more });
/** The bytes of its answer. */
async function rawChat(content: string, more: object): Promise<Buffer> {
  const body = JSON.stringify({ model: 'small-echo', messages: [{ content }], ...more });
  const socket = connect(Number(new URL(backend.origin).port), '127.0.0.1');
  const head = ['POST /v1/chat/completions HTTP/1.1', 'Host: x', 'Authorization: Bearer backend-key'];
  socket.end([...head, `Content-Length: ${body.length}`, 'Connection: close', '', body].join('\r\n'));
  return Buffer.concat(await socket.toArray());
}
const dataIn = (text: string): readonly string[] =>
  text
    .trimEnd()
    .split('\n\n')
    .map((event) => event.replace(/^(?:event: .*\n)?data: /, ''));
const ends = (): readonly (string | undefined)[] => backend.received.map(({ end }) => end?.how);
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('the test backend says back what it was asked, and what that has cost', async () => {
  const { choices, usage } = Object(await (await chat('good morning to you')).json());
  assert.equal(choices[0].message.content, 'good morning to you');
  assert.deepEqual(usage, { prompt_tokens: 4, completion_tokens: 4, total_tokens: 8 });
});

test('the test backend streams word by word, and tells of the cost where it is asked to', async () => {
  const plain = dataIn(await (await chat('one two', { stream: true })).text());
  assert.deepEqual(
    plain.slice(0, -1).map((data) => JSON.parse(data).choices[0].delta.content),
    ['', 'one ', 'two', undefined],
  );
  assert.equal(plain.at(-1), '[DONE]');
  const counted = dataIn(
    await (await chat('one two', { stream: true, stream_options: { include_usage: true } })).text(),
  );
  assert.deepEqual(JSON.parse(counted.at(-2) ?? ''), {
    ...JSON.parse(plain[0] ?? ''),
    choices: [],
    usage: { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 },
  });
});

test('the test backend gives the same answer to the same question, to the byte', async () => {
  const [one, other] = await Promise.all([1, 2].map(async () => (await chat('again', { stream: true })).text()));
  assert.equal(one, other);
});

test('the test backend speaks the Responses API, in one piece and as a stream', async () => {
  const ask = (stream: boolean) => post('/responses', { model: 'small-echo', input: 'good morning', stream });
  const { output } = Object(await (await ask(false)).json());
  assert.equal(output[0].content[0].text, 'good morning');
  const events = dataIn(await (await ask(true)).text()).map((data) => JSON.parse(data));
  assert.deepEqual(
    events.map(({ type }) => type),
    ['response.created', 'response.output_text.delta', 'response.output_text.delta', 'response.completed'],
  );
  assert.deepEqual(events.at(-1).response.usage, { input_tokens: 2, output_tokens: 2, total_tokens: 4 });
});

test('the test backend gives embeddings as numbers and in base64', async () => {
  const vectors = async (more: object): Promise<readonly unknown[]> => {
    const answer = await post('/embeddings', { model: 'small-embedding', input: ['a', 'bc'], ...more });
    return Object(await answer.json()).data.map(({ embedding }: { embedding: unknown }) => embedding);
  };
  const [, second] = await vectors({});
  assert.deepEqual(second, [98 / 128, 99 / 128, 0, 0, 0, 0, 0, 0]);
  const bytes = Buffer.from(String((await vectors({ encoding_format: 'base64' }))[1]), 'base64');
  assert.deepEqual([bytes.length, bytes.readFloatLE(4)], [32, 99 / 128]);
});

test('the test backend lists its models and knows each by its name', async () => {
  const ask = async (path: string) =>
    Object(await (await fetch(`${backend.origin}${path}`, { headers: authorization })).json());
  const { data } = await ask('/v1/models');
  assert.deepEqual(await ask(`/v1/models/${data[0].id}`), data[0]);
  assert.equal((await ask('/v1/models/gpt')).error.code, 'model_not_found');
});

test('the test backend sends every byte there is as sound', async () => {
  const answer = await post('/audio/speech', { model: 'small-echo', input: 'hi', voice: 'alloy' });
  assert.equal(answer.headers.get('content-type'), 'audio/mpeg');
  assert.ok(sound.equals(Buffer.from(await answer.arrayBuffer())));
});

test('the test backend compresses an answer when it is asked to', async () => {
  const bytes = await rawChat('x', { metadata: { encoding: 'gzip' } });
  const content = gunzipSync(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4));
  assert.equal(JSON.parse(content.toString()).object, 'chat.completion');
});

for (const [what, path, body, status, code] of [
  ['what is no JSON', '/chat/completions', '{', 400, null],
  ['a question without messages', '/chat/completions', { model: 'small-echo' }, 400, 'missing_required_parameter'],
  ['a model that it does not have', '/chat/completions', { model: 'gpt', messages: [] }, 404, 'model_not_found'],
  ['an address that it does not have', '/chat', { model: 'small-echo' }, 404, 'unknown_url'],
] as const)
  test(`the test backend refuses ${what} in the form of OpenAI`, async () => {
    const answer = await post(path, body);
    const { error } = Object(await answer.json());
    assert.deepEqual([answer.status, error.type, error.code], [status, 'invalid_request_error', code]);
  });

test('the test backend takes no key but its own', async () => {
  for (const Authorization of ['Bearer backend-key2', 'Bearer', 'Basic backend-key'])
    assert.equal((await post('/chat/completions', {}, { Authorization })).status, 401);
});

test('the test backend fails as it is asked to, until the client has tried again so often', async () => {
  const metadata = { status: '429', until_retry: '1' };
  const first = await chat('x', { metadata });
  assert.deepEqual([first.status, first.headers.get('retry-after')], [429, '1']);
  assert.equal(Object(await first.json()).error.code, 'rate_limit_exceeded');
  const body = { model: 'small-echo', messages: [], metadata };
  const again = await post('/chat/completions', body, { ...authorization, 'x-stainless-retry-count': '1' });
  assert.equal(again.status, 200);
});

test('the test backend keeps what it was sent, with the fields in their spelling', async () => {
  const body = { model: 'small-echo', messages: [{ content: 'ä' }] };
  await (await post('/chat/completions?a=b', body)).text();
  const [{ method, target, person, fields, body: bytes } = assert.fail()] = backend.received;
  assert.deepEqual([method, target, person], ['POST', '/v1/chat/completions?a=b', 'alice']);
  assert.equal(fields[fields.findIndex((name) => name.toLowerCase() === 'authorization') + 1], 'Bearer backend-key');
  assert.equal(bytes.toString(), JSON.stringify(body));
});

test('the test backend counts what is in progress for whom, and notices that the client has left a silent stream', async () => {
  const metadata = { pause_ms: '3600000' };
  const stop = new AbortController();
  const streams = await Promise.all(
    ['alice', 'alice', 'bob'].map((person) =>
      fetch(`${backend.origin}/v1/chat/completions`, {
        method: 'POST',
        headers: { ...authorization, 'x-orion-user': person },
        body: JSON.stringify({ model: 'small-echo', messages: [{ content: 'a b' }], stream: true, metadata }),
        signal: stop.signal,
      }),
    ),
  );
  const count = (person?: string): readonly number[] => [backend.inProgress(person), backend.mostInProgress(person)];
  assert.deepEqual([streams.length, count(), count('alice'), count('bob')], [3, [3, 3], [2, 2], [1, 1]]);
  stop.abort();
  await until(() => backend.inProgress() === 0);
  assert.deepEqual(
    [count(), count('alice'), ends()],
    [
      [0, 3],
      [0, 2],
      ['gone', 'gone', 'gone'],
    ],
  );
  await (await chat('one more')).text();
  await until(() => backend.inProgress() === 0);
  assert.deepEqual(
    [count(), count('alice')],
    [
      [0, 3],
      [0, 2],
    ],
  );
  backend.forget();
  assert.deepEqual([count(), backend.received.length], [[0, 0], 0]);
});

test('the test backend breaks a stream off when it is asked to', async () => {
  const answer = await chat('a b c', { stream: true, metadata: { break_after: '2' } });
  await assert.rejects(answer.text());
  assert.deepEqual(ends(), ['broken-off']);
});

test('the test backend puts a trailer field behind a stream when it is asked to', async () => {
  const bytes = await rawChat('a b c', { stream: true, metadata: { trailer: 'yes' } });
  assert.match(bytes.toString(), /\r\n0\r\nX-Test-Words: 3\r\n\r\n$/);
});
