import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenClient, type TokenClientOptions } from './client.ts';
import type { NegotiateAnswer, SignedPost } from './negotiate.ts';
import type { KeptToken, TokenCache } from './token-cache.ts';

/** An issuer of tokens t1, t2 ..., each good for 1,000 s; and a service that takes those in `good`. */
function place(more: Partial<TokenClientOptions> = {}) {
  const asked: SignedPost[] = [];
  const sent: { readonly url: string; readonly token: string | null; readonly init: RequestInit }[] = [];
  const state = {
    now: 1_000_000,
    good: (_token: string) => true,
    answer: async (): Promise<NegotiateAnswer> => ({
      status: 200,
      body: JSON.stringify({ access_token: `t${asked.length}`, token_type: 'Bearer', expires_in: 1_000 }),
    }),
  };
  const client = createTokenClient({
    url: 'https://auth.corp.example',
    negotiate: {
      post: (request) => {
        asked.push(request);
        return state.answer();
      },
    },
    fetch: async (input, init = {}) => {
      const token = new Headers(init.headers).get('authorization');
      sent.push({ url: input instanceof Request ? input.url : new URL(input).href, token, init });
      return new Response('here', { status: state.good(token?.slice(7) ?? '') ? 200 : 401 });
    },
    now: () => state.now,
    random: () => 0,
    ...more,
  });
  return { client, state, asked, sent };
}

/** Lets everything that is waiting only for promises go on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A cache in memory, for several clients. */
function sharedCache(): TokenCache & { readonly kept: Map<string, KeptToken> } {
  const kept = new Map<string, KeptToken>();
  return {
    kept,
    read: async (key) => kept.get(key),
    write: async (key, token) => void (token === undefined ? kept.delete(key) : kept.set(key, token)),
  };
}

test('createTokenClient() asks the issuer for what it is told, and for nothing else', async () => {
  const { client, asked } = place({
    client: 'desktop',
    audience: 'llm',
    groups: ['a', 'b'],
    scopes: ['chat', 'embed'],
    lifetimeSeconds: 60,
  });
  await client.token();
  assert.equal(asked[0]?.url.href, 'https://auth.corp.example/desktop/token');
  assert.deepEqual(JSON.parse(asked[0]?.body ?? ''), {
    client_id: 'desktop',
    audience: 'llm',
    groups: ['a', 'b'],
    scope: 'chat embed',
    expires_in: 60,
  });
  const bare = place();
  await bare.client.token();
  assert.equal(bare.asked[0]?.body, '{}');
});

test('token() asks once for 50 callers at the same time, and for those who come later', async () => {
  const { client, asked } = place();
  const tokens = await Promise.all(Array.from({ length: 50 }, () => client.token()));
  assert.deepEqual([new Set(tokens), await client.token(), asked.length], [new Set(['t1']), 't1', 1]);
});

test('token() renews at 80 percent of the life behind the back of its callers, once', async () => {
  const { client, state, asked } = place();
  await client.token();
  state.now += 799_999;
  assert.deepEqual([await client.token(), asked.length], ['t1', 1]);
  state.now += 1;
  const tokens = await Promise.all(Array.from({ length: 50 }, () => client.token()));
  await settled();
  assert.deepEqual([new Set(tokens), asked.length, await client.token()], [new Set(['t1']), 2, 't2']);
});

test('token() goes on with the old one while renewals fail, tries again after a pause, and says why in the end', async () => {
  const { client, state, asked } = place();
  await client.token();
  state.now += 900_000;
  state.answer = async () => ({ status: 503, body: '' });
  assert.equal(await client.token(), 't1');
  await settled();
  assert.deepEqual([await client.token(), asked.length], ['t1', 2]);
  state.now += 30_000;
  assert.equal(await client.token(), 't1');
  await settled();
  assert.equal(asked.length, 3);
  state.now += 60_000;
  await assert.rejects(client.token(), { code: 'issuer-unavailable' });
});

test('token() waits for a new one when the old one has ended', async () => {
  const { client, state } = place();
  await client.token();
  state.now += 990_000;
  assert.equal(await client.token(), 't2');
});

test('token() asks again after a failure', async () => {
  const { client, state } = place();
  const good = state.answer;
  state.answer = () => Promise.reject(new Error('no network'));
  await assert.rejects(client.token(), { code: 'issuer-unreachable' });
  state.answer = good;
  assert.equal(await client.token(), 't2');
});

test('token() lets one caller go away, and the others have their token', async () => {
  const { client, state } = place();
  const answer = state.answer;
  let answerNow = (): void => {};
  const told = new Promise<void>((resolve) => (answerNow = resolve));
  state.answer = () => told.then(answer);
  const gone = new AbortController();
  const [one, other] = [client.token({ signal: gone.signal }), client.token()];
  gone.abort(new Error('gone'));
  await assert.rejects(one, { message: 'gone' });
  answerNow();
  assert.equal(await other, 't1');
});

test('token() gives up a sign-in that hangs', async () => {
  const { client, state } = place({ timeoutMs: 20 });
  state.answer = () => new Promise(() => {});
  const alive = setInterval(() => {}, 1_000);
  await assert.rejects(client.token(), { code: 'issuer-unreachable', message: /in time/ });
  clearInterval(alive);
});

test('token() takes what another process has kept, until it is due', async () => {
  const cache = sharedCache();
  const [one, other] = [place({ cache }), place({ cache })];
  await one.client.token();
  assert.deepEqual([await other.client.token(), other.asked.length], ['t1', 0]);
  const third = place({ cache });
  third.state.now += 800_000;
  assert.deepEqual([await third.client.token(), third.asked.length], ['t1', 1]);
});

test('token() takes nothing that was kept for another audience', async () => {
  const cache = sharedCache();
  await place({ cache, audience: 'llm' }).client.token();
  const other = place({ cache, audience: 'reports' });
  await other.client.token();
  assert.equal(other.asked.length, 1);
});

test('token() needs no cache that can be written', async () => {
  const { client } = place({ cache: { read: async () => undefined, write: () => Promise.reject(new Error('full')) } });
  assert.equal(await client.token(), 't1');
});

test('forget() forgets the token here and in the cache', async () => {
  const cache = sharedCache();
  const { client } = place({ cache });
  await client.token();
  await client.forget();
  assert.deepEqual([cache.kept.size, await client.token()], [0, 't2']);
});

test('fetch() sends the token in place of what stands in Authorization, and the rest as it is', async () => {
  const { client, sent } = place();
  const headers = { Authorization: 'Bearer of-the-sdk', 'X-Other': '1' };
  const response = await client.fetch('https://llm.corp.example/v1', { method: 'POST', body: 'hello', headers });
  assert.equal(await response.text(), 'here');
  const [request] = sent;
  assert.deepEqual([request?.token, request?.init.method, request?.init.body], ['Bearer t1', 'POST', 'hello']);
  assert.equal(new Headers(request?.init.headers).get('x-other'), '1');
});

const repeatable: readonly (readonly [what: string, body: () => NonNullable<RequestInit['body']> | undefined])[] = [
  ['no body', () => undefined],
  ['a text', () => 'text'],
  ['bytes', () => Uint8Array.from([1, 2])],
  ['a form', () => new FormData()],
  ['a form in the URL', () => new URLSearchParams('a=b')],
];
for (const [what, body] of repeatable)
  test(`fetch() asks once more with a new token after a 401, with ${what}`, async () => {
    const { client, state, sent } = place();
    await client.token();
    state.now += 60_000;
    state.good = (token) => token === 't2';
    const given = body();
    const init = given === undefined ? {} : { method: 'POST', body: given };
    assert.equal((await client.fetch('https://llm.corp.example/', init)).status, 200);
    assert.deepEqual(
      sent.map(({ token, init }) => [token, init.body]),
      [
        ['Bearer t1', given],
        ['Bearer t2', given],
      ],
    );
  });

test('fetch() sends nothing twice that can be read only once', async () => {
  const { client, state, sent } = place();
  await client.token();
  state.now += 60_000;
  state.good = () => false;
  const stream = (): ReadableStream => new Blob(['x']).stream();
  const url = 'https://llm.corp.example/';
  assert.equal((await client.fetch(url, { method: 'POST', body: stream(), duplex: 'half' })).status, 401);
  assert.equal((await client.fetch(new Request(url, { method: 'POST', body: 'x' }))).status, 401);
  assert.equal(sent.length, 2);
  assert.equal((await client.fetch(new Request(url))).status, 401);
  assert.equal(sent.length, 4);
});

test('fetch() asks for one new token when 50 requests are refused at once', async () => {
  const { client, state, asked } = place();
  await client.token();
  state.now += 60_000;
  state.good = (token) => token === 't2';
  const all = Array.from({ length: 50 }, () => client.fetch('https://llm.corp.example/'));
  assert.deepEqual(new Set((await Promise.all(all)).map(({ status }) => status)), new Set([200]));
  assert.equal(asked.length, 2);
});

test('fetch() gives the 401 to whoever is refused with a token that has only just come', async () => {
  const { client, state, asked, sent } = place();
  state.good = () => false;
  const response = await client.fetch('https://llm.corp.example/');
  assert.deepEqual([response.status, await response.text(), asked.length, sent.length], [401, 'here', 1, 1]);
});

test('fetch() gives the second 401 as it is', async () => {
  const { client, state, asked, sent } = place();
  await client.token();
  state.now += 60_000;
  state.good = () => false;
  assert.equal((await client.fetch('https://llm.corp.example/')).status, 401);
  assert.deepEqual([asked.length, sent.length], [2, 2]);
});

test('fetch() takes a refused token from no cache again', async () => {
  const cache = sharedCache();
  const { client, state } = place({ cache });
  await client.token();
  state.now += 60_000;
  state.good = (token) => token === 't2';
  assert.equal((await client.fetch('https://llm.corp.example/')).status, 200);
  assert.equal([...cache.kept.values()][0]?.value, 't2');
});

test('fetch() sends the token to nobody but the origins, and not without HTTPS; it does not even get one', async () => {
  const { client, asked, sent } = place({ origins: ['https://llm.corp.example/v1'] });
  for (const url of ['https://evil.example/', 'http://llm.corp.example/'])
    await assert.rejects(client.fetch(url), { code: 'not-secure' });
  assert.deepEqual([asked.length, sent.length], [0, 0]);
  await client.fetch(new URL('https://llm.corp.example/v1/models'));
});

test('fetch() hears the signal of its caller while it waits for a token', async () => {
  const { client, state } = place();
  state.answer = () => new Promise(() => {});
  const gone = new AbortController();
  const waiting = client.fetch('https://llm.corp.example/', { signal: gone.signal });
  gone.abort(new Error('gone'));
  await assert.rejects(waiting, { message: 'gone' });
});
