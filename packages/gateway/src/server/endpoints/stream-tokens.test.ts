import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamTokens } from '../../auth/stream-token.ts';
import { KeyRing, newMasterKey } from '../../tokens/key-ring.ts';
import { sealer } from '../../tokens/seal.ts';
import { aLive, anApp, anIdentity, aPassing, aPlan, appAt, call, testMoment } from './endpoints-testing.ts';
import { issueStreamToken, type StreamTokensOptions } from './stream-tokens.ts';

const lifetimeMs = 300_000;
const tokens = streamTokens(sealer(new KeyRing([newMasterKey(0)]), 'stream'), lifetimeMs);
const desk = anApp('desk', '/', aPlan(['password'], ['api_key', 'stream_token'], 'stream_token'));
const wiki = anApp('wiki', '/wiki', aPlan(['entra'], [], 'ticket'));
const plain = anApp('plain', '/plain', aPlan(['password'], []));
const open = anApp('open', '/open', 'none');
const alice = aLive(anIdentity());
const key = aPassing(anIdentity({ subject: 'api_key:abc', method: 'api_key' }));

const ask = (body: unknown, who = alice, options: Partial<StreamTokensOptions> = {}, contentType?: string) =>
  call(
    issueStreamToken({
      tokens,
      lifetimeMs,
      appAt: appAt([desk, wiki, plain, open]),
      isOwnPath: (path) => path.startsWith('/auth'),
      mayUse: () => true,
      ...options,
    }),
    desk,
    who,
    body,
    contentType,
  );

test('issueStreamToken() exchanges a session for a token of that person, bound to app and path', async () => {
  const { status, body, headers, events } = await ask({ path: '/api/jobs/7/events' });
  assert.equal(status, 200);
  assert.equal(body['expires_in'], 300);
  assert.equal(body['url'], `/api/jobs/7/events?stream_token=${String(body['token'])}`);
  assert.equal(headers.get('cache-control'), 'no-store');
  const opened = tokens.open(String(body['token']));
  assert.deepEqual([opened?.app, opened?.path, opened?.below], ['desk', '/api/jobs/7/events', false]);
  assert.deepEqual(opened?.session, alice.session);
  assert.deepEqual(events, [{ kind: 'stream-token-issued', path: '/api/jobs/7/events', below: false }]);
});

test('issueStreamToken() takes a form as well, with the field that guards forms', async () => {
  const form = new URLSearchParams({ path: '/a b'.replace(' ', '%20'), app: 'desk', below: 'true', csrf: 'x' });
  const { status, body } = await ask(form.toString(), alice, {}, 'application/x-www-form-urlencoded;charset=UTF-8');
  assert.equal(status, 200);
  assert.equal(tokens.open(String(body['token']))?.below, true);
});

test('issueStreamToken() binds to the canonical path, which is what the token will be compared with', async () => {
  const { body } = await ask({ path: '/%41pi/x%2dy' });
  assert.equal(tokens.open(String(body['token']))?.path, '/Api/x-y');
});

test('issueStreamToken() leaves out a slash at the end of what everything below is asked for', async () => {
  const { body } = await ask({ path: '/api/jobs/7/', below: 'true' });
  assert.equal(tokens.open(String(body['token']))?.path, '/api/jobs/7');
});

test('issueStreamToken() uses the parameter of the app that answers at the path', async () => {
  const { body } = await ask({ path: '/wiki/live' }, aLive(anIdentity({ method: 'oidc' }), 'entra'));
  assert.match(String(body['url']), /^\/wiki\/live\?ticket=/);
  assert.equal(tokens.open(String(body['token']))?.app, 'wiki');
});

test('issueStreamToken() exchanges an API key, when its scope reaches so far', async () => {
  const asked: unknown[] = [];
  const mayUse: StreamTokensOptions['mayUse'] = (identity, what) => asked.push([identity.subject, what]) > 0;
  const { status } = await ask({ path: '/api/jobs/7', below: 'true' }, key, { mayUse });
  assert.equal(status, 200);
  assert.deepEqual(asked, [['api_key:abc', { app: 'desk', method: 'GET', path: '/api/jobs/7', below: true }]]);
});

for (const [what, body, status, error] of [
  ['without a path', {}, 400, 'bad-path'],
  ['for a path that is relative', { path: 'api/x' }, 400, 'bad-path'],
  ['for a URL', { path: 'https://desk.corp.example/x' }, 400, 'bad-path'],
  ['for a path with a query', { path: '/x?y=1' }, 400, 'bad-path'],
  ['for a path with dot segments', { path: '/x/../y' }, 400, 'bad-path'],
  ["for one of the gateway's own paths", { path: '/auth/me' }, 400, 'bad-path'],
  ['for an app that answers elsewhere', { path: '/x', app: 'wiki' }, 400, 'bad-path'],
  ['for an app without sign-in', { path: '/open/x' }, 400, 'no-stream-tokens'],
  ['for an app that takes none', { path: '/plain/x' }, 400, 'no-stream-tokens'],
  ['with a name that means nothing', { path: '/x', glob: '/**' }, 400, 'bad-request'],
  ['with a number for a path', { path: 7 }, 400, 'bad-request'],
  ['with another word for true', { path: '/x', below: 'yes' }, 400, 'bad-request'],
  ['with a list', ['/x'], 400, 'bad-request'],
  ['with what is no JSON', '{', 400, 'bad-request'],
] as const)
  test(`issueStreamToken() gives no token ${what}`, async () => {
    const answer = await ask(body);
    assert.deepEqual([answer.status, answer.body['error'], answer.events], [status, error, []]);
  });

test('issueStreamToken() gives no token for text of another type, which a foreign page could send', async () => {
  assert.equal((await ask('{"path":"/x"}', alice, {}, 'text/plain')).status, 415);
});

test('issueStreamToken() refuses a form in which the path comes twice', async () => {
  assert.equal((await ask('path=/a&path=/b', alice, {}, 'application/x-www-form-urlencoded')).status, 400);
});

test('issueStreamToken() gives no token for an app of the host that does not take this sign-in', async () => {
  const answer = await ask({ path: '/wiki/live' });
  assert.deepEqual([answer.status, answer.body['error']], [403, 'not-allowed']);
  assert.equal((await ask({ path: '/wiki/live' }, key)).status, 403);
});

test('issueStreamToken() gives no token for what lies beyond the scope of an API key', async () => {
  const answer = await ask({ path: '/api/x' }, key, { mayUse: () => false });
  assert.deepEqual([answer.status, answer.events], [403, []]);
});

test('issueStreamToken() rejects when it cannot be found out how far an API key reaches', async () => {
  await assert.rejects(ask({ path: '/x' }, key, { mayUse: () => Promise.reject(new Error('down')) }), /down/);
});

test('issueStreamToken() says that there are too many groups, rather than leave some out', async () => {
  const groups = Array.from({ length: 1_000 }, (_, i) => `group number ${i}`);
  const answer = await ask({ path: '/x' }, aLive(anIdentity({ groups })));
  assert.deepEqual([answer.status, answer.body['error']], [403, 'too-many-groups']);
});

test('issueStreamToken() tells how long the token lasts when the sign-in ends sooner', async () => {
  const { body } = await ask({ path: '/x' }, aLive(anIdentity({ expiresAt: testMoment + 90_500 })));
  assert.equal(body['expires_in'], 90);
});
