import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mechanism } from './mechanism.ts';
import { negotiateBy, replyIn } from './negotiate.ts';
import { TokenError } from './token-error.ts';

/** A mechanism that writes down what it is asked. */
function mechanism(judge: (reply: Uint8Array) => void = () => {}) {
  const log: string[] = [];
  const own: Mechanism = {
    begin: async (host) => {
      log.push(`begin ${host}`);
      return {
        token: Uint8Array.from([0, 255, 254]),
        finish: async (reply) => {
          log.push(`finish ${[...reply].join()}`);
          judge(reply);
        },
        close: () => log.push('close'),
      };
    },
  };
  return { log, own };
}

const post = (own: Mechanism, respond: (init: RequestInit) => Response, service?: string) =>
  negotiateBy(own, service === undefined ? {} : { service }).post({
    url: new URL('https://auth.corp.example/desktop/token'),
    body: '{}',
    signal: new AbortController().signal,
    fetch: async (_url, init) => respond(init ?? {}),
  });

test('negotiateBy() sends the token with the first request, and judges the reply', async () => {
  const { log, own } = mechanism();
  const answer = await post(own, (init) => {
    assert.equal(new Headers(init.headers).get('authorization'), 'Negotiate AP/+');
    assert.deepEqual([init.method, init.redirect, init.body], ['POST', 'manual', '{}']);
    return new Response('yes', { headers: { 'WWW-Authenticate': 'Negotiate AQI=' } });
  });
  assert.deepEqual([answer.status, answer.body], [200, 'yes']);
  assert.deepEqual(log, ['begin auth.corp.example', 'finish 1,2', 'close']);
});

test('negotiateBy() gives nothing from a service whose reply is wrong', async () => {
  const { log, own } = mechanism(() => {
    throw new TokenError('service-key', 'x');
  });
  const respond = () => new Response('yes', { headers: { 'WWW-Authenticate': 'Negotiate AQI=' } });
  await assert.rejects(post(own, respond), { code: 'mutual-authentication-failed' });
  assert.equal(log.at(-1), 'close');
});

test('negotiateBy() has a refusal explained by the token in it', async () => {
  const { own } = mechanism(() => {
    throw new TokenError('clock-skew', 'x');
  });
  const respond = () => new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Negotiate AQI=' } });
  await assert.rejects(post(own, respond), { code: 'clock-skew' });
});

test('negotiateBy() goes no second round', async () => {
  const { own } = mechanism();
  const respond = () => new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Negotiate AQI=' } });
  await assert.rejects(post(own, respond), { code: 'sign-on-failed' });
});

test('negotiateBy() says so where nothing offers Negotiate', async () => {
  const { own } = mechanism();
  const respond = () => new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } });
  await assert.rejects(post(own, respond), { code: 'issuer-refused', message: /does not offer Negotiate/ });
});

test('negotiateBy() signs on to another service where it is told to, and closes when the network fails', async () => {
  const { log, own } = mechanism();
  const respond = (): Response => {
    throw new Error('no network');
  };
  await assert.rejects(post(own, respond, 'gate.corp.example'), { message: 'no network' });
  assert.deepEqual(log, ['begin gate.corp.example', 'close']);
});

const challenges: readonly (readonly [challenge: string, reply: readonly number[] | undefined])[] = [
  ['Negotiate', undefined],
  ['Negotiate AQI=', [1, 2]],
  ['negotiate  AQI=', [1, 2]],
  ['Basic realm="a", Negotiate AQI=, Bearer', [1, 2]],
  ['Negotiate realm=x', undefined],
  ['NotNegotiate AQI=', undefined],
  ['Negotiate AQI', [1, 2]],
  ['Negotiate A', undefined],
  ['Negotiate AQI= x', undefined],
];
for (const [challenge, reply] of challenges)
  test(`replyIn() reads ${reply === undefined ? 'nothing' : 'a token'} in ${challenge}`, () => {
    const found = replyIn(challenge);
    assert.deepEqual(found === undefined ? undefined : [...found], reply);
  });
