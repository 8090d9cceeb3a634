import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cookiesOf, endOfResponse } from './response.ts';

const counted = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
const empty = 'HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n';

for (const [what, response] of Object.entries({ counted, chunked, empty })) {
  test(`endOfResponse() is at the end of a whole response (${what})`, () =>
    assert.equal(endOfResponse(response), response.length));
  test(`endOfResponse() is not there before the end (${what})`, () => {
    for (let i = 0; i < response.length; i++) assert.equal(endOfResponse(response.slice(0, i)), undefined, `${i}`);
  });
}

test('endOfResponse() does not take content that ends in a zero for the last chunk', () =>
  assert.equal(endOfResponse('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nx0\r\n\r\n'), undefined));

test('cookiesOf() has the pairs without their attributes, in the order in which they are set', () =>
  assert.equal(
    cookiesOf('HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nServer: x\r\nset-cookie: b=2; HttpOnly\r\n\r\n'),
    'a=1; b=2',
  ));

test('cookiesOf() does not take content for fields', () =>
  assert.equal(cookiesOf('HTTP/1.1 200 OK\r\nServer: x\r\n\r\nhello\r\nSet-Cookie: a=1\r\n'), ''));
