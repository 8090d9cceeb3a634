import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { deniedAnswer, type HeaderValueOption, okAnswer } from './ext-authz-answer.ts';
import type { Judgement } from './forward-auth.ts';
import type { RequestHead } from '../wire/http.ts';

const original: RequestHead = {
  method: 'GET',
  target: '/a',
  fields: [],
  connection: { remoteAddress: '127.0.0.1', tls: false, certificateHash: undefined, memory: new Map() },
  upgrade: false,
};
const allowed: Extract<Judgement, { allow: true }> = {
  allow: true,
  target: '/a',
  identityFields: ['X-Authenticated-User', 'CORP\\alice', 'X-Authenticated-Roles', ''],
  clientFields: [],
  responseFields: [],
  removed: () => ['x_authenticated_user'],
};
const short = (options: readonly HeaderValueOption[] | undefined): readonly string[] =>
  (options ?? []).map(({ header, appendAction }) => `${header.key}: ${header.value} (${appendAction})`);

suite('okAnswer()', () => {
  test('puts each field of the identity in the place of the client’s own, an empty one too, and removes the rest', () => {
    const { status, okResponse } = okAnswer(allowed, original) ?? {};
    assert.deepEqual(status, { code: 0 });
    assert.deepEqual(short(okResponse?.headers), [
      'X-Authenticated-User: CORP\\alice (2)',
      'X-Authenticated-Roles:  (2)',
    ]);
    assert.deepEqual(okResponse?.headersToRemove, ['x_authenticated_user']);
  });

  test('gives what is left of the client’s fields, but nothing of it that the identity has', () => {
    const clientFields = ['cookie', 'a=1', 'x-authenticated-user', 'CORP\\admin'];
    const headers = short(okAnswer({ ...allowed, clientFields }, original)?.okResponse?.headers);
    assert.deepEqual(headers.slice(2), ['cookie: a=1 (2)']);
  });

  test('adds cookies to those of the app, and sets what may be there once', () => {
    const responseFields = [
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
      'Access-Control-Allow-Origin',
      'https://a.example',
    ];
    const { okResponse } = okAnswer({ ...allowed, responseFields }, original) ?? {};
    assert.deepEqual(short(okResponse?.responseHeadersToAdd), [
      'Set-Cookie: a=1 (0)',
      'Set-Cookie: b=2 (0)',
      'Access-Control-Allow-Origin: https://a.example (2)',
    ]);
  });

  test('names the target when it is another one than the client’s', () => {
    const { okResponse } = okAnswer({ ...allowed, target: '/b?c' }, original) ?? {};
    assert.deepEqual(short(okResponse?.headers).at(-1), ':path: /b?c (2)');
  });

  test('gives bytes as the text that they are, and nothing when they are none', () => {
    const utf8 = Buffer.from('a=ü').toString('latin1');
    const headers = short(okAnswer({ ...allowed, clientFields: ['cookie', utf8] }, original)?.okResponse?.headers);
    assert.deepEqual(headers.at(-1), 'cookie: a=ü (2)');
    assert.equal(okAnswer({ ...allowed, clientFields: ['cookie', 'a=\xfc'] }, original), undefined);
    assert.equal(okAnswer({ ...allowed, identityFields: ['X-Name', '\xfc'] }, original), undefined);
  });
});

suite('deniedAnswer()', () => {
  test('has the status, all fields, those of one name beside each other, and the body', () => {
    const fields = ['Content-Type', 'text/html', 'WWW-Authenticate', 'Negotiate', 'WWW-Authenticate', 'Bearer'];
    const { status, deniedResponse } = deniedAnswer({ status: 401, fields, body: 'ü' });
    assert.deepEqual([status.code, deniedResponse?.status.code, deniedResponse?.body], [16, 401, 'ü']);
    assert.deepEqual(short(deniedResponse?.headers), [
      'Content-Type: text/html (2)',
      'WWW-Authenticate: Negotiate (2)',
      'WWW-Authenticate: Bearer (0)',
    ]);
  });

  test('never says that all is well, whatever the status', () => {
    for (const status of [200, 204, 303, 403, 503])
      assert.equal(deniedAnswer({ status, fields: [], body: Buffer.from('x') }).status.code, 7, String(status));
  });
});
