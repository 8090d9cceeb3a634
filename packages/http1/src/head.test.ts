import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseRequestHead, parseResponseHead, parseTrailers } from './head.ts';

const limits = { headBytes: 65_536, headerCount: 10 };
const request = (...lines: readonly string[]) => parseRequestHead(lines.join('\r\n'), limits);
const response = (...lines: readonly string[]) => parseResponseHead(lines.join('\r\n'), 'GET', limits);
const get = (...fields: readonly string[]) => request('GET / HTTP/1.1', 'Host: a', ...fields);
const post = (...fields: readonly string[]) => request('POST / HTTP/1.1', 'Host: a', ...fields);
const ok = (...fields: readonly string[]) => response('HTTP/1.1 200 OK', ...fields);

suite('parseRequestHead()', () => {
  test('parseRequestHead() reads method, target, version and fields as they are', () => {
    assert.deepEqual(request('GET /a?b HTTP/1.1', 'hOST:a', 'X-A: \t1 2\t ', 'X-a:', 'Y: \u00e4'), {
      method: 'GET',
      target: '/a?b',
      minor: 1,
      fields: ['hOST', 'a', 'X-A', '1 2', 'X-a', '', 'Y', '\u00e4'],
      body: { kind: 'none' },
      keepAlive: true,
      expectContinue: false,
      hasUpgrade: false,
      hasAuthorization: false,
    });
  });

  test('parseRequestHead() reads HTTP/1.0 without any field', () => {
    const head = request('GET / HTTP/1.0');
    assert.ok('method' in head);
    assert.equal(head.minor, 0);
    assert.deepEqual(head.fields, []);
  });

  for (const [line, why] of [
    ['OPTIONS * HTTP/1.1', 'asterisk form'],
    ['GET http://a/b HTTP/1.1', 'absolute form'],
    ['CONNECT a:443 HTTP/1.1', 'authority form'],
    ['CONNECT [::1]:443 HTTP/1.1', 'authority form of IPv6'],
    ['M-SEARCH / HTTP/1.1', 'a method with a hyphen'],
    ['GET /"<>\\^`{|} HTTP/1.1', 'characters that browsers leave as they are'],
  ] as const) {
    test(`parseRequestHead() reads ${why}`, () => assert.ok('method' in request(line, 'Host: a')));
  }

  const refused = [
    ['HTTP/0.9', ['GET /'], 400, 'request-line-malformed'],
    ['an empty line', [''], 400, 'request-line-malformed'],
    ['two spaces', ['GET  / HTTP/1.1', 'Host: a'], 400, 'request-line-malformed'],
    ['a space at the end', ['GET / HTTP/1.1 ', 'Host: a'], 400, 'request-line-malformed'],
    ['a space in front', [' GET / HTTP/1.1', 'Host: a'], 400, 'request-line-malformed'],
    ['a space in the target', ['GET /a b HTTP/1.1', 'Host: a'], 400, 'request-line-malformed'],
    ['a tab for a space', ['GET\t/ HTTP/1.1', 'Host: a'], 400, 'request-line-malformed'],
    ['another protocol', ['GET / ICE/1.0', 'Host: a'], 400, 'request-line-malformed'],
    ['a version in lower case', ['GET / http/1.1', 'Host: a'], 400, 'request-line-malformed'],
    ['a version of more digits', ['GET / HTTP/1.10', 'Host: a'], 400, 'request-line-malformed'],
    ['a minor version of the future', ['GET / HTTP/1.2', 'Host: a'], 400, 'version-unknown'],
    ['the beginning of HTTP/2', ['PRI * HTTP/2.0'], 505, 'version-not-served'],
    ['HTTP/0.9 by name', ['GET / HTTP/0.9', 'Host: a'], 505, 'version-not-served'],
    ['a method in lower case', ['get / HTTP/1.1', 'Host: a'], 400, 'method-malformed'],
    ['an empty method', [' / HTTP/1.1', 'Host: a'], 400, 'method-malformed'],
    ['an unknown method', ['FETCH / HTTP/1.1', 'Host: a'], 400, 'method-unknown'],
    ['an empty target', ['GET  HTTP/1.1', 'Host: a'], 400, 'target-malformed'],
    ['a target that is no URL', ['GET a HTTP/1.1', 'Host: a'], 400, 'target-malformed'],
    ['an asterisk for another method', ['GET * HTTP/1.1', 'Host: a'], 400, 'target-malformed'],
    ['another scheme', ['GET ftp://a/ HTTP/1.1', 'Host: a'], 400, 'target-malformed'],
    ['CONNECT to a path', ['CONNECT / HTTP/1.1', 'Host: a'], 400, 'target-malformed'],
    ['CONNECT without a port', ['CONNECT a HTTP/1.1', 'Host: a'], 400, 'target-malformed'],
    ['a fragment', ['GET /#a HTTP/1.1', 'Host: a'], 400, 'target-malformed'],
    ['a target beyond ASCII', ['GET /\u00e4 HTTP/1.1', 'Host: a'], 400, 'target-malformed'],
    ['a NUL in the target', ['GET /\0 HTTP/1.1', 'Host: a'], 400, 'control-character'],
    ['a DEL in the target', ['GET /\x7f HTTP/1.1', 'Host: a'], 400, 'control-character'],
    ['a bare line feed behind the first line', ['GET / HTTP/1.1\nHost: a'], 400, 'line-break-malformed'],
    ['a bare carriage return in the first line', ['GET /\rx HTTP/1.1', 'Host: a'], 400, 'line-break-malformed'],
  ] as const;
  for (const [what, lines, status, reason] of refused) {
    test(`parseRequestHead() refuses ${what}`, () => assert.deepEqual(request(...lines), { status, reason }));
  }

  const refusedFields = [
    ['no Host in HTTP/1.1', undefined, 400, 'host-missing'],
    ['a second Host', 'Host: a', 400, 'field-repeated'],
    ['a space before the colon', 'X : 1', 400, 'field-name-malformed'],
    ['a tab before the colon', 'X\t: 1', 400, 'field-name-malformed'],
    ['an empty name', ': 1', 400, 'field-name-malformed'],
    ['a name with a bracket', 'X[: 1', 400, 'field-name-malformed'],
    ['a name beyond ASCII', 'X\u00e4: 1', 400, 'field-name-malformed'],
    ['a line without a colon', 'X', 400, 'field-line-malformed'],
    ['an empty line within', 'X: 1\r\n', 400, 'field-line-malformed'],
    ['a folded line', 'X: 1\r\n 2', 400, 'field-folded'],
    ['a line folded by a tab', 'X: 1\r\n\t2', 400, 'field-folded'],
    ['a first field that begins with a blank', ' X: 1', 400, 'field-folded'],
    ['a bare line feed', 'X: 1\nY: 2', 400, 'line-break-malformed'],
    ['a bare carriage return', 'X: 1\rY: 2', 400, 'line-break-malformed'],
    ['a carriage return at the end', 'X: 1\r', 400, 'line-break-malformed'],
    ['a line feed before the carriage return', 'X: 1\n\r\nY: 1', 400, 'line-break-malformed'],
    ['a NUL in a value', 'X: a\0b', 400, 'control-character'],
    ['a vertical tab in a value', 'X: a\vb', 400, 'control-character'],
    ['a form feed in a value', 'X: a\fb', 400, 'control-character'],
    ['a DEL in a value', 'X: a\x7fb', 400, 'control-character'],
    ['an escape in a name', 'X\x1b: 1', 400, 'control-character'],
    ['an expectation nobody knows', 'Expect: 200-ok', 417, 'expectation-unknown'],
    ['a second expectation', 'Expect: 100-continue\r\nExpect: 100-continue', 400, 'field-repeated'],
    ['a second Cookie', 'Cookie: a=1\r\ncookie: b=1', 400, 'field-repeated'],
    ['a second Authorization', 'Authorization: a\r\nAUTHORIZATION: b', 400, 'field-repeated'],
    ['a second Origin', 'Origin: a\r\nOrigin: b', 400, 'field-repeated'],
    ['a second Content-Type', 'Content-Type: a/b\r\nContent-Type: a/c', 400, 'field-repeated'],
    ['a byte above 0x7f in Origin', 'Origin: \u00e4', 400, 'field-value-malformed'],
    ['a connection option that is no token', 'Connection: close x', 400, 'connection-malformed'],
    ['a connection option beyond ASCII', 'Connection: close\u00a0', 400, 'connection-malformed'],
  ] as const;
  for (const [what, line, status, reason] of refusedFields) {
    test(`parseRequestHead() refuses ${what}`, () => {
      const head = line === undefined ? request('GET / HTTP/1.1', 'X: 1') : get(line);
      assert.deepEqual(head, { status, reason });
    });
  }

  test('parseRequestHead() refuses more fields than allowed, and takes as many', () => {
    const nine = Array.from({ length: 9 }, (_, i) => `X-${i}: 1`);
    assert.ok('method' in get(...nine));
    assert.deepEqual(get(...nine, 'X: 1'), { status: 431, reason: 'too-many-fields' });
  });

  test('parseRequestHead() takes bytes above 0x7f in a Cookie and in fields it does not know', () => {
    assert.ok('method' in get('Cookie: a=\u00e4', 'X: \u00ff'));
  });

  test('parseRequestHead() takes several fields of a name that may repeat', () => {
    assert.ok('method' in get('Accept: a', 'Accept: b', 'Connection: a', 'Connection: b'));
  });

  test('parseRequestHead() knows when the connection may be used again', () => {
    const keeps = (version: string, ...fields: readonly string[]) => {
      const head = request(`GET / HTTP/${version}`, 'Host: a', ...fields);
      return 'keepAlive' in head && head.keepAlive;
    };
    assert.equal(keeps('1.1'), true);
    assert.equal(keeps('1.1', 'Connection: x, Close'), false);
    assert.equal(keeps('1.1', 'Connection: x', 'Connection: close'), false);
    assert.equal(keeps('1.1', 'Connection: close', 'Connection: x'), false);
    assert.equal(keeps('1.1', 'Connection: keep-alive, close'), false);
    assert.equal(keeps('1.0'), false);
    assert.equal(keeps('1.0', 'Connection: Keep-Alive'), true);
    assert.equal(keeps('1.0', 'Connection: keep-alive, close'), false);
  });

  test('parseRequestHead() knows an upgrade by both fields, in HTTP/1.1 alone', () => {
    const upgrades = (version: string, ...fields: readonly string[]) => {
      const head = request(`GET / HTTP/${version}`, 'Host: a', ...fields);
      return 'hasUpgrade' in head && head.hasUpgrade;
    };
    assert.equal(upgrades('1.1', 'Upgrade: websocket', 'Connection: keep-alive, UPGRADE'), true);
    assert.equal(upgrades('1.1', 'Upgrade: websocket', 'Connection: Upgrade'), true);
    assert.equal(upgrades('1.1', 'Upgrade: websocket'), false);
    assert.equal(upgrades('1.1', 'Connection: upgrade'), false);
    assert.equal(upgrades('1.0', 'Upgrade: websocket', 'Connection: upgrade'), false);
  });

  test('parseRequestHead() knows who waits for a 100', () => {
    const waits = (version: string, ...fields: readonly string[]) => {
      const head = request(`POST / HTTP/${version}`, 'Host: a', ...fields);
      return 'expectContinue' in head && head.expectContinue;
    };
    assert.equal(waits('1.1', 'Expect: 100-Continue', 'Content-Length: 1'), true);
    assert.equal(waits('1.1', 'Expect: 100-continue', 'Transfer-Encoding: chunked'), true);
    assert.equal(waits('1.1', 'Expect: 100-continue', 'Content-Length: 0'), false);
    assert.equal(waits('1.1', 'Expect: 100-continue'), false);
    assert.equal(waits('1.0', 'Expect: 100-continue', 'Content-Length: 1'), false);
  });
});

suite('framing of requests', () => {
  for (const [fields, body] of [
    [[], { kind: 'none' }],
    [['Content-Length: 0'], { kind: 'length', length: 0 }],
    [['content-length:  003 '], { kind: 'length', length: 3 }],
    [['Content-Length: 9007199254740991'], { kind: 'length', length: Number.MAX_SAFE_INTEGER }],
    [['Transfer-Encoding: Chunked'], { kind: 'chunked' }],
  ] as const) {
    test(`parseRequestHead() finds ${body.kind} content for [${fields.join()}]`, () => {
      const head = post(...fields);
      assert.ok('body' in head);
      assert.deepEqual(head.body, body);
    });
  }

  for (const [fields, status, reason] of [
    [['Content-Length: 5', 'Content-Length: 6'], 400, 'field-repeated'],
    [['Content-Length: 5', 'Content-Length: 5'], 400, 'field-repeated'],
    [['Content-Length: 5, 5'], 400, 'content-length-malformed'],
    [['Content-Length: +5'], 400, 'content-length-malformed'],
    [['Content-Length: -0'], 400, 'content-length-malformed'],
    [['Content-Length: 0x5'], 400, 'content-length-malformed'],
    [['Content-Length: 5e1'], 400, 'content-length-malformed'],
    [['Content-Length: 1_0'], 400, 'content-length-malformed'],
    [['Content-Length: 5 5'], 400, 'content-length-malformed'],
    [['Content-Length:'], 400, 'content-length-malformed'],
    [['Content-Length: 9007199254740992'], 400, 'content-length-malformed'],
    [['Content-Length: 00000000000000005'], 400, 'content-length-malformed'],
    [['Content_Length: 5'], 400, 'field-name-alias'],
    [['transfer.encoding: chunked'], 400, 'field-name-alias'],
    [['TRANSFER_ENCODING: chunked'], 400, 'field-name-alias'],
    [['Content-Length: 5', 'Transfer-Encoding: chunked'], 400, 'content-length-with-transfer-encoding'],
    [['Transfer-Encoding: chunked', 'Content-Length: 0'], 400, 'content-length-with-transfer-encoding'],
    [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 400, 'field-repeated'],
    [['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], 400, 'field-repeated'],
    [['Transfer-Encoding: chunked\t'], 400, 'field-value-malformed'],
    [['Transfer-Encoding:\tchunked'], 400, 'field-value-malformed'],
    [['Content-Length: \t 5'], 400, 'field-value-malformed'],
    [['Transfer-Encoding:'], 400, 'transfer-encoding-malformed'],
    [['Transfer-Encoding: ,chunked,'], 400, 'transfer-encoding-malformed'],
    [['Transfer-Encoding: chunked, chunked'], 400, 'transfer-encoding-malformed'],
    [['Transfer-Encoding: chunked, gzip'], 400, 'transfer-encoding-malformed'],
    [['Transfer-Encoding: identity'], 400, 'transfer-encoding-malformed'],
    [['Transfer-Encoding: xchunked'], 400, 'transfer-encoding-malformed'],
    [['Transfer-Encoding: chunked;q=1'], 400, 'transfer-encoding-malformed'],
    [['Transfer-Encoding: "chunked"'], 400, 'transfer-encoding-malformed'],
    [['Transfer-Encoding: chunked\u00a0'], 400, 'field-value-malformed'],
    [['Transfer-Encoding: \vchunked'], 400, 'control-character'],
    [['Transfer-Encoding: gzip, chunked'], 501, 'transfer-encoding-unknown'],
    [['Transfer-Encoding: identity, chunked'], 501, 'transfer-encoding-unknown'],
  ] as const) {
    test(`parseRequestHead() refuses [${fields.join(' | ')}] as ${reason}`, () => {
      assert.deepEqual(post(...fields), { status, reason });
    });
  }

  test('parseRequestHead() refuses chunks in HTTP/1.0', () => {
    const head = request('POST / HTTP/1.0', 'Host: a', 'Transfer-Encoding: chunked');
    assert.deepEqual(head, { status: 400, reason: 'transfer-encoding-in-http-1.0' });
  });
});

suite('parseResponseHead()', () => {
  test('parseResponseHead() reads version, status, reason and fields as they are', () => {
    assert.deepEqual(
      response('HTTP/1.0 404 Not\tfound \u00e4', 'Content-Length: 3', 'Connection: keep-alive', 'X_Y:'),
      {
        status: 404,
        reason: 'Not\tfound \u00e4',
        minor: 0,
        fields: ['Content-Length', '3', 'Connection', 'keep-alive', 'X_Y', ''],
        body: { kind: 'length', length: 3 },
        keepAlive: true,
      },
    );
  });

  for (const line of ['HTTP/1.1 200', 'HTTP/1.1 200 ']) {
    test(`parseResponseHead() reads "${line}", which has no reason`, () => {
      const head = response(line);
      assert.equal('reason' in head && head.reason, '');
    });
  }

  for (const [line, reason] of [
    ['HTTP/1.1  200 OK', 'status-line-malformed'],
    ['HTTP/1.1 20 OK', 'status-line-malformed'],
    ['HTTP/1.1 2000 OK', 'status-line-malformed'],
    ['HTTP/1.1 099 OK', 'status-line-malformed'],
    ['HTTP/1.1 600 OK', 'status-line-malformed'],
    ['HTTP/1.1 +20 OK', 'status-line-malformed'],
    ['HTTP/1.1 200\tOK', 'status-line-malformed'],
    ['HTTP/1.1\t200 OK', 'status-line-malformed'],
    ['HTTP/1.1', 'status-line-malformed'],
    ['HTTP/01.1 200 OK', 'status-line-malformed'],
    ['ICY 200 OK', 'status-line-malformed'],
    [' HTTP/1.1 200 OK', 'status-line-malformed'],
    ['', 'status-line-malformed'],
    ['HTTP/1.2 200 OK', 'version-unknown'],
    ['HTTP/2.0 200 OK', 'version-not-served'],
    ['HTTP/1.1 200 O\rK', 'line-break-malformed'],
    ['HTTP/1.1 200 OK\nX: 1', 'line-break-malformed'],
    ['HTTP/1.1 200 \0', 'control-character'],
  ] as const) {
    test(`parseResponseHead() refuses ${JSON.stringify(line)} as ${reason}`, () => {
      const head = response(line, 'Content-Length: 0');
      assert.equal('reason' in head && head.reason, reason);
    });
  }

  for (const [status, method, fields, body] of [
    [200, 'GET', ['Content-Length: 3'], { kind: 'length', length: 3 }],
    [200, 'GET', ['Transfer-Encoding: chunked'], { kind: 'chunked' }],
    [200, 'GET', [], { kind: 'until-close' }],
    [200, 'HEAD', ['Content-Length: 3'], { kind: 'none' }],
    [200, 'HEAD', ['Transfer-Encoding: chunked'], { kind: 'none' }],
    [200, 'HEAD', [], { kind: 'none' }],
    [304, 'GET', ['Content-Length: 3'], { kind: 'none' }],
    [304, 'GET', [], { kind: 'none' }],
    [204, 'GET', [], { kind: 'none' }],
    [204, 'GET', ['Content-Length: 0'], { kind: 'none' }],
    [100, 'POST', [], { kind: 'none' }],
    [101, 'GET', ['Upgrade: websocket', 'Connection: upgrade'], { kind: 'none' }],
  ] as const) {
    test(`parseResponseHead() finds ${body.kind} content for ${status} to ${method} with [${fields.join()}]`, () => {
      const head = parseResponseHead([`HTTP/1.1 ${status} X`, ...fields].join('\r\n'), method, limits);
      assert.ok('body' in head);
      assert.deepEqual(head.body, body);
    });
  }

  for (const [status, fields, reason] of [
    [200, ['Content-Length: 3', 'Content-Length: 3'], 'field-repeated'],
    [200, ['Content-Length: 3, 3'], 'content-length-malformed'],
    [200, ['Transfer-Encoding: chunked\t'], 'field-value-malformed'],
    [200, ['Content-Length: 3', 'Transfer-Encoding: chunked'], 'content-length-with-transfer-encoding'],
    [200, ['Transfer-Encoding: chunked, chunked'], 'transfer-encoding-malformed'],
    [200, ['Transfer-Encoding: gzip'], 'transfer-encoding-malformed'],
    [200, ['Transfer-Encoding: gzip, chunked'], 'transfer-encoding-unknown'],
    [304, ['Content-Length: x'], 'content-length-malformed'],
    [204, ['Content-Length: 3'], 'content-not-allowed'],
    [204, ['Transfer-Encoding: chunked'], 'content-not-allowed'],
    [103, ['Transfer-Encoding: chunked'], 'content-not-allowed'],
    [101, ['Content-Length: 3'], 'content-not-allowed'],
    [200, ['X: 1\r\n 2'], 'field-folded'],
    [200, ['X : 1'], 'field-name-malformed'],
    [200, ['X: 1\n'], 'line-break-malformed'],
    [200, ['Connection: a b'], 'connection-malformed'],
    [103, ['Connection: close'], 'interim-response-closes'],
  ] as const) {
    test(`parseResponseHead() refuses ${status} with [${fields.join(' | ')}] as ${reason}`, () => {
      const head = response(`HTTP/1.1 ${status} X`, ...fields);
      assert.equal('reason' in head && head.reason, reason);
    });
  }

  test('parseResponseHead() refuses chunks in HTTP/1.0', () => {
    const head = response('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked');
    assert.equal('reason' in head && head.reason, 'transfer-encoding-in-http-1.0');
  });

  test('parseResponseHead() refuses an interim response of HTTP/1.0', () => {
    const head = response('HTTP/1.0 100 Continue');
    assert.equal('reason' in head && head.reason, 'interim-response-closes');
  });

  test('parseResponseHead() never keeps a connection whose end is the end of the content', () => {
    const head = ok('Connection: keep-alive');
    assert.equal('keepAlive' in head && head.keepAlive, false);
  });

  test('parseResponseHead() takes fields that only requests may not repeat', () => {
    assert.ok('status' in ok('Set-Cookie: a', 'Set-Cookie: b', 'Content-Type: a/b', 'Content-Type: a/b'));
  });
});

suite('parseTrailers()', () => {
  test('parseTrailers() reads fields', () => {
    assert.deepEqual(parseTrailers('\r\nX: 1\r\nx-y:', limits), ['X', '1', 'x-y', '']);
  });

  for (const [text, status, reason] of [
    ['\r\nContent-Length: 1', 400, 'trailer-forbidden'],
    ['\r\ntransfer-encoding: chunked', 400, 'trailer-forbidden'],
    ['\r\nhost: a', 400, 'trailer-forbidden'],
    ['\r\nContent_Length: 1', 400, 'field-name-alias'],
    ['\r\nX : 1', 400, 'field-name-malformed'],
    ['\r\nX: 1\r\n 2', 400, 'field-folded'],
    ['\r\nX: 1\nY: 2', 400, 'line-break-malformed'],
    ['\r\nX', 400, 'field-line-malformed'],
    ['\r\nX: 1'.repeat(11), 431, 'too-many-fields'],
  ] as const) {
    test(`parseTrailers() refuses ${JSON.stringify(text.slice(0, 30))} as ${reason}`, () => {
      assert.deepEqual(parseTrailers(text, limits), { status, reason });
    });
  }
});
