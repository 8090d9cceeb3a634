/** The real `openai` package with `client.fetch`, before an OpenAI-compatible test backend. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { createTokenClient, type TokenClient, TokenError } from '@cardea/client';
import OpenAI, { APIConnectionError } from 'openai';
import { startTestBackend, type TestBackend } from './openai-backend.ts';

suite('the openai package', () => {
  let backend: TestBackend;
  let openai: OpenAI;
  let tokens: TokenClient;
  let now = Date.now();
  let signedIn = true;
  before(async () => {
    backend = await startTestBackend();
  });
  after(() => backend.close());
  beforeEach(() => {
    signedIn = true;
    tokens = createTokenClient({
      url: backend.origin,
      negotiate: {
        async post({ url, body, fetch: send }) {
          if (!signedIn) throw new TokenError('ticket-expired', 'run kinit');
          const response = await send(url, { method: 'POST', body });
          return { status: response.status, body: await response.text() };
        },
      },
      now: () => now,
    });
    openai = new OpenAI({ baseURL: `${backend.origin}/v1`, apiKey: 'unused', fetch: tokens.fetch, maxRetries: 0 });
  });

  const ask = (content: string) =>
    openai.chat.completions.create({ model: 'echo', messages: [{ role: 'user', content }] });

  test('has its answers with a token that it knows nothing of', async () => {
    const answer = await ask('good morning');
    assert.equal(answer.choices[0]?.message.content, 'good morning');
  });

  test('has streams', async () => {
    const stream = await openai.chat.completions.create({
      model: 'echo',
      messages: [{ role: 'user', content: 'one two three' }],
      stream: true,
    });
    const words: string[] = [];
    for await (const { choices } of stream) words.push(choices[0]?.delta.content ?? '');
    assert.deepEqual(words, ['one', 'two', 'three']);
  });

  test('notices nothing of a token that was revoked: fetch() asks again with a new one', async () => {
    await ask('before');
    backend.revokeAll();
    now += 60_000;
    const before = backend.given();
    assert.equal((await ask('after')).choices[0]?.message.content, 'after');
    assert.equal(backend.given(), before + 1);
  });

  test('shares one token among 50 calls at the same time', async () => {
    const before = backend.given();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(`call ${i}`)));
    assert.deepEqual([answers[49]?.choices[0]?.message.content, backend.given()], ['call 49', before + 1]);
  });

  test('takes token() for an API key as well', async () => {
    const other = new OpenAI({ baseURL: `${backend.origin}/v1`, apiKey: () => tokens.token(), maxRetries: 0 });
    const answer = await other.chat.completions.create({ model: 'echo', messages: [{ role: 'user', content: 'hi' }] });
    assert.equal(answer.choices[0]?.message.content, 'hi');
  });

  test('hands the reason on when there is no token: as the cause of its own error', async () => {
    signedIn = false;
    await assert.rejects(ask('x'), (error: unknown) => {
      assert.ok(error instanceof APIConnectionError);
      assert.ok(error.cause instanceof TokenError);
      assert.equal(error.cause.code, 'ticket-expired');
      return true;
    });
  });
});
