import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { checkRequest } from './request-check.ts';

const check = (method: string, ...fields: string[]) => checkRequest({ method, fields: ['Host', 'desk', ...fields] });

test('checkRequest() passes an ordinary request', () => {
  const fields = [
    'Accept',
    '*/*',
    'Cookie',
    'a=1; b=\u00e4',
    'Content-Length',
    '12',
    'X_Custom.Name',
    'x',
    'Expect',
    '100-Continue',
  ];
  assert.deepEqual(check('POST', ...fields), { kind: 'ok' });
});

test('checkRequest() passes a chunked request and methods of WebDAV', () => {
  assert.deepEqual(check('PROPFIND', 'Transfer-Encoding', 'Chunked'), { kind: 'ok' });
  assert.deepEqual(check('M-SEARCH'), { kind: 'ok' });
});

test('checkRequest() passes several fields of a name that may repeat', () => {
  assert.deepEqual(check('GET', 'Accept', 'a', 'Accept', 'b', 'X-A', '1', 'x-a', '2'), { kind: 'ok' });
});

const refused = [
  ['a method in lower case', ['get'], 400, 'method-malformed'],
  ['an empty method', [''], 400, 'method-malformed'],
  ['TRACE', ['TRACE'], 405, 'method-not-served'],
  ['CONNECT', ['CONNECT'], 405, 'method-not-served'],
  ['a second Host', ['GET', 'host', 'evil'], 400, 'field-repeated'],
  ['a second Host of the same value', ['GET', 'Host', 'desk'], 400, 'field-repeated'],
  ['two lengths', ['POST', 'Content-Length', '5', 'Content-Length', '6'], 400, 'field-repeated'],
  ['two equal lengths', ['POST', 'Content-Length', '5', 'content-length', '5'], 400, 'field-repeated'],
  ['two Authorization fields', ['GET', 'Authorization', 'a', 'Authorization', 'b'], 400, 'field-repeated'],
  ['two Cookie fields', ['GET', 'Cookie', 'a=1', 'Cookie', 'b=1'], 400, 'field-repeated'],
  ['two Origin fields', ['GET', 'Origin', 'https://a', 'Origin', 'https://b'], 400, 'field-repeated'],
  ['two codings', ['POST', 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'identity'], 400, 'field-repeated'],
  ['a list of lengths', ['POST', 'Content-Length', '5, 5'], 400, 'content-length-malformed'],
  ['a signed length', ['POST', 'Content-Length', '+5'], 400, 'content-length-malformed'],
  ['a hexadecimal length', ['POST', 'Content-Length', '0x5'], 400, 'content-length-malformed'],
  ['an empty length', ['POST', 'Content-Length', ''], 400, 'content-length-malformed'],
  ['a length beyond exact numbers', ['POST', 'Content-Length', '9007199254740993'], 400, 'content-length-malformed'],
  ['a length of many digits', ['POST', 'Content-Length', '00000000000000005'], 400, 'content-length-malformed'],
  [
    'a length with a coding',
    ['POST', 'Content-Length', '5', 'Transfer-Encoding', 'chunked'],
    400,
    'content-length-with-transfer-encoding',
  ],
  ['another coding', ['POST', 'Transfer-Encoding', 'gzip, chunked'], 501, 'transfer-encoding-unknown'],
  ['a coding twice', ['POST', 'Transfer-Encoding', 'chunked, chunked'], 501, 'transfer-encoding-unknown'],
  ['a coding with a vertical tab', ['POST', 'Transfer-Encoding', '\vchunked'], 400, 'field-value-malformed'],
  ['a coding with a byte that some skip', ['POST', 'Transfer-Encoding', 'chunked\u00a0'], 400, 'field-value-malformed'],
  ['another expectation', ['POST', 'Expect', 'the-spanish-inquisition'], 417, 'expectation-unknown'],
  ['a space before the colon', ['GET', 'X-A ', '1'], 400, 'field-name-malformed'],
  ['an empty name', ['GET', '', '1'], 400, 'field-name-malformed'],
  ['a name beyond ASCII', ['GET', 'X-\u00c4', '1'], 400, 'field-name-malformed'],
  ['a name without a value', ['GET', 'X-A'], 400, 'field-name-malformed'],
  ['a folded line', ['GET', 'X-A', 'a\r\n b'], 400, 'field-value-malformed'],
  ['a bare line feed', ['GET', 'X-A', 'a\nX-Authenticated-User: x'], 400, 'field-value-malformed'],
  ['a null', ['GET', 'X-A', 'a\0b'], 400, 'field-value-malformed'],
  ['a byte above 0x7f in Origin', ['GET', 'Origin', 'https://\u00e4'], 400, 'field-value-malformed'],
  ['an alias of a length', ['POST', 'Content_Length', '5'], 400, 'field-name-alias'],
  ['an alias of a coding', ['POST', 'transfer.encoding', 'chunked'], 400, 'field-name-alias'],
  ['half a WebSocket handshake', ['GET', 'Upgrade', 'websocket'], 400, 'websocket-without-connection-upgrade'],
] as const;

for (const [what, [method, ...fields], status, reason] of refused) {
  test(`checkRequest() refuses ${what}`, () => {
    assert.deepEqual(check(method, ...fields), { kind: 'refused', status, reason });
  });
}

test('checkRequest() refuses a request without Host', () => {
  assert.deepEqual(checkRequest({ method: 'GET', fields: [] }), {
    kind: 'refused',
    status: 400,
    reason: 'host-missing',
  });
});

test('checkRequest() answers 426 to another version of WebSocket', () => {
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  const fields = [
    'Connection',
    'Upgrade',
    'Upgrade',
    'websocket',
    'Sec-WebSocket-Key',
    key,
    'Sec-WebSocket-Version',
    '8',
  ];
  assert.deepEqual(check('GET', ...fields), { kind: 'refused', status: 426, reason: 'websocket-version' });
});

test('checkRequest() passes nothing that would read differently once written out as lines', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', ' ', ':', '\r', '\n', '\t', '\0', '_', '\u00e4', '\u0100'),
    maxLength: 5,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 4 }), (pairs) => {
      const fields = ['Host', 'desk', ...pairs.flat()];
      if (checkRequest({ method: 'GET', fields }).kind === 'refused') return;
      const lines = Array.from({ length: fields.length / 2 }, (_, i) => `${fields[2 * i]}:${fields[2 * i + 1]}`);
      const read = lines
        .join('\n')
        .split(/[\r\n]/)
        .flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);
      assert.deepEqual(read, fields);
      assert.ok(fields.every((field) => !/[\0\u0100]/.test(field)));
    }),
    { numRuns: 2000 },
  );
});
