import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reply } from '../wire/http.ts';
import { notAllowed, notSignedIn, problem } from './answers.ts';
import { anApp, aPlan } from './endpoints/endpoints-testing.ts';
import { createPages } from './pages/layout.ts';
import { manyWays } from './pages/pages-testing.ts';
import { type RequestContext, requestReader } from './request-context.ts';

const read = requestReader({
  trusted: () => false,
  mayBePlain: () => true,
  stripIdentity: (fields) => ({ fields, removed: [] }),
  pages: createPages(),
});
const navigation = ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document'];
function asked(method: string, fields: readonly string[], target = '/reports/?a=1'): RequestContext {
  const connection = { remoteAddress: '127.0.0.1', tls: true, certificateHash: undefined, memory: new Map() };
  const all = ['Host', 'desk.corp.example', ...fields];
  const context = read({ method, target, fields: all, connection, upgrade: false }, 0);
  assert.ok('target' in context);
  return context;
}
const page = asked('GET', navigation);
const call = asked('GET', ['Accept', 'application/json']);
const form = (...fields: readonly string[]): RequestContext => asked('POST', [...navigation, ...fields], '/upload');

const field = ({ fields }: Reply, name: string): readonly string[] =>
  fields.flatMap((one, i) => (i % 2 === 0 && one === name ? [fields[i + 1] ?? ''] : []));
const text = ({ body }: Reply): string => String(body);
const offer = (challenges: readonly string[], ways: number) => ({
  ...manyWays,
  challenges,
  ways: manyWays.ways.slice(0, ways),
});

test('notSignedIn() lets a browser try Windows, and shows all other ways to one that cannot', () => {
  const reply = notSignedIn(page, offer(['Negotiate', 'Bearer'], 3));
  assert.equal(reply.status, 401);
  assert.deepEqual(field(reply, 'WWW-Authenticate'), ['Negotiate']);
  for (const way of ['Company account', 'Partner portal', 'type="password"']) assert.ok(text(reply).includes(way), way);
});

test('notSignedIn() shows a person the same page after a token that was refused, without the token of the answer', () => {
  const reply = notSignedIn(page, offer(['Negotiate'], 3), { failed: true, challenge: 'Negotiate oUI=' });
  assert.deepEqual([reply.status, ...field(reply, 'WWW-Authenticate')], [401, 'Negotiate']);
  assert.match(text(reply), /Company account/);
});

test('notSignedIn() gives a program the answer of a handshake and every challenge', () => {
  assert.deepEqual(field(notSignedIn(call, offer(['Negotiate', 'Bearer'], 0)), 'WWW-Authenticate'), [
    'Negotiate',
    'Bearer',
  ]);
  const leg = notSignedIn(call, offer(['Negotiate'], 0), { challenge: 'Negotiate oUI=' });
  assert.deepEqual(field(leg, 'WWW-Authenticate'), ['Negotiate oUI=']);
});

test('notSignedIn() sends a person to the one way there is, or to the page with several', () => {
  assert.deepEqual(field(notSignedIn(page, offer([], 1)), 'Location'), [
    '/auth/login/entra?return=%2Freports%2F%3Fa%3D1',
  ]);
  assert.deepEqual(field(notSignedIn(page, offer([], 2)), 'Location'), ['/auth/login?return=%2Freports%2F%3Fa%3D1']);
});

test('notSignedIn() does not take a challenge that browsers ignore for a way in', () => {
  assert.equal(notSignedIn(page, offer(['Bearer'], 1)).status, 303);
});

test('notSignedIn() never leaves a person with a bare 401', () => {
  for (const challenges of [[], ['Negotiate'], ['Bearer'], ['Negotiate', 'Bearer']])
    for (const ways of [0, 1, 2, 3])
      for (const context of [page, form()]) {
        const reply = notSignedIn(context, offer(challenges, ways));
        assert.ok(reply.status === 303 || /<h1>Sign in<\/h1>/.test(text(reply)), `${challenges.join()} ${ways}`);
      }
});

test('notSignedIn() tells a person that a form was not carried out, and leads back to where the form was', () => {
  const reply = notSignedIn(form('Referer', 'https://desk.corp.example/edit?id=7'), offer([], 3));
  assert.equal(reply.status, 401);
  assert.match(text(reply), /was not carried out/);
  assert.match(text(reply), /name="return" value="\/edit\?id=7"/);
});

for (const referer of [
  'https://evil.example/edit',
  'https://desk.corp.example.evil.example/',
  'https://desk.corp.example//evil.example/',
  'https://desk.corp.example/\\evil.example/',
])
  test(`notSignedIn() leads a form nowhere else: ${referer}`, () => {
    assert.match(text(notSignedIn(form('Referer', referer), offer([], 3))), /name="return" value="\/"/);
  });

const app = anApp('desk', '/', aPlan([], []));

test('notAllowed() tells a person who they are and how to become somebody else', () => {
  const reply = notAllowed(page, app, 'CORP\\bob', manyWays);
  assert.equal(reply.status, 403);
  assert.match(text(reply), /signed in as <strong>CORP\\bob<\/strong>/);
  assert.match(text(reply), /<a href="\/auth\/logout">/);
});

test('notAllowed() offers a person whom it does not know to sign in', () => {
  const body = text(notAllowed(page, app, undefined, manyWays));
  assert.match(body, /<a href="\/auth\/login\?return=%2Freports%2F%3Fa%3D1">Sign in<\/a>/);
  assert.doesNotMatch(body, /logout/);
});

test('problem() lets a person try again what can be asked for again, and nothing else', () => {
  const again = /<a class="button first" href="\/reports\/\?a=1">Try again/;
  assert.match(text(problem(page, 502, 'upstream-unreachable')), again);
  assert.doesNotMatch(text(problem(page, 403, 'cross-site')), again);
  assert.doesNotMatch(text(problem(form(), 502, 'upstream-unreachable')), /Try again/);
});

test('problem() gives a program one word that stays the same, and says more in English', () => {
  const reply = problem(asked('GET', ['Accept-Language', 'de']), 502, 'upstream-unreachable');
  const { error, message, requestId } = JSON.parse(text(reply));
  assert.equal(error, 'upstream-unreachable');
  assert.match(message, /cannot be reached/);
  assert.match(requestId, /^[0-9a-f-]{36}$/);
});
