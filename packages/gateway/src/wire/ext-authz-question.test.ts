import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { array, assert as check, dictionary, property, record, string, uint8Array } from 'fast-check';
import { type AskedRequest, type CheckQuestion, checkedRequest } from './ext-authz-question.ts';
import { fieldValues } from './fields.ts';

const connection = { remoteAddress: '127.0.0.1', tls: false, certificateHash: undefined, memory: new Map() };
const limits = { bytes: 2_000, fields: 20 };
type Lines = readonly (readonly [name: string, value: string])[];

const told: Lines = [
  [':method', 'GET'],
  [':path', '/reports/?a=%41'],
  [':authority', 'desk.corp.example'],
  [':scheme', 'https'],
  ['x-forwarded-proto', 'https'],
  ['x-forwarded-for', '192.0.2.7'],
];
const raw = (lines: Lines): NonNullable<AskedRequest['headerMap']> => ({
  headers: lines.map(([key, value]) => ({ key, rawValue: Buffer.from(value, 'latin1') })),
});
const line = { method: 'GET', path: '/reports/?a=%41', host: 'desk.corp.example' };
const ask = (http: AskedRequest, address?: string): CheckQuestion =>
  checkedRequest(
    {
      attributes: {
        request: { http },
        ...(address === undefined ? {} : { source: { address: { socketAddress: { address } } } }),
      },
    },
    connection,
    limits,
  );
const withFields = (...more: Lines): CheckQuestion => ask({ ...line, headerMap: raw([...told, ...more]) });
const reason = (question: CheckQuestion): string => (question.kind === 'ok' ? 'ok' : question.reason);
const valuesOf = (question: CheckQuestion, name: string): readonly string[] =>
  question.kind === 'ok' ? fieldValues(question.original.fields, name) : [`refused: ${question.reason}`];

suite('checkedRequest()', () => {
  test('gives the request with its method, target, host and fields, and without pseudo fields', () => {
    const question = withFields(['cookie', 'a=b'], ['x-own', '1']);
    assert.ok(question.kind === 'ok');
    const { method, target, fields, upgrade } = question.original;
    assert.deepEqual([method, target, upgrade], ['GET', '/reports/?a=%41', false]);
    assert.deepEqual(fields, [
      'Host',
      'desk.corp.example',
      'x-forwarded-proto',
      'https',
      'x-forwarded-for',
      '192.0.2.7',
      'cookie',
      'a=b',
      'x-own',
      '1',
    ]);
  });

  test('keeps two fields of a name as two, for the reading that refuses or joins them', () => {
    const question = withFields(
      ['authorization', 'Bearer a'],
      ['authorization', 'Bearer b'],
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
    );
    assert.deepEqual(valuesOf(question, 'authorization'), ['Bearer a', 'Bearer b']);
    assert.deepEqual(valuesOf(question, 'cookie'), ['a=1', 'b=2']);
  });

  test('keeps bytes that are not UTF-8 as they are', () => {
    assert.deepEqual(valuesOf(withFields(['x-name', 'J\xfcrgen']), 'x-name'), ['J\xfcrgen']);
  });

  test('takes joined fields, and text in them as its bytes', () => {
    const question = ask({ ...line, headers: { ...Object.fromEntries(told), 'x-name': 'Jürgen', accept: 'a, b' } });
    assert.deepEqual(valuesOf(question, 'x-name'), [Buffer.from('Jürgen').toString('latin1')]);
    assert.deepEqual(valuesOf(question, 'accept'), ['a, b']);
  });

  test('refuses fields of which one alone may decide when several were joined, and takes one that has commas', () => {
    for (const value of [
      'Basic YTpi,Bearer x',
      'Bearer x, Basic YTpi=',
      'Digest a="b", Bearer x',
      'Bearer a,',
      'Bearer a,b',
    ])
      assert.equal(reason(withFields(['authorization', value])), 'forward-auth-field-joined', value);
    for (const value of [
      'Digest username="a, Bearer b", uri="/a,b\\",", qop = auth',
      'Bearer a.b.c==',
      'Negotiate YII=',
    ])
      assert.equal(reason(withFields(['authorization', value])), 'ok', value);
    const without = told.filter(([name]) => name !== 'x-forwarded-proto');
    const protos = [...without, ['x-forwarded-proto', 'https,http']] as const;
    assert.equal(reason(ask({ ...line, headerMap: raw(protos) })), 'forward-auth-field-joined');
    const hosts = { ...Object.fromEntries(told), host: 'desk.corp.example,evil.example' };
    assert.equal(reason(ask({ ...line, headers: hosts })), 'forward-auth-field-repeated');
  });

  test('refuses a message that has the fields in both ways', () => {
    assert.equal(
      reason(ask({ ...line, headerMap: raw(told), headers: { cookie: 'a=b' } })),
      'forward-auth-fields-twice',
    );
  });

  test('refuses what another proxy than Envoy might say elsewhere: a query or a fragment apart from the path', () => {
    assert.equal(reason(ask({ ...line, headerMap: raw(told), query: 'a=b' })), 'forward-auth-query-apart');
    assert.equal(reason(ask({ ...line, headerMap: raw(told), fragment: 'x' })), 'forward-auth-query-apart');
  });

  test('refuses pseudo fields that say something else than the request line, come twice, or are unknown', () => {
    for (const field of [
      [':path', '/health'],
      [':method', 'GET'],
      [':protocol', 'websocket'],
      [':x', ''],
    ] as const)
      assert.equal(reason(withFields(field)), 'forward-auth-pseudo-field', field.join());
    for (const [name, value] of [
      ['method', 'POST'],
      ['path', '/health'],
      ['host', 'other.corp.example'],
    ] as const)
      assert.equal(reason(ask({ ...line, headerMap: raw(told), [name]: value })), 'forward-auth-pseudo-field', name);
  });

  test('refuses a Host beside the authority that is another one, and takes the same one once', () => {
    assert.equal(reason(withFields(['host', 'evil.example'])), 'forward-auth-field-repeated');
    assert.deepEqual(valuesOf(withFields(['host', 'desk.corp.example']), 'host'), ['desk.corp.example']);
  });

  test('refuses names and values that no field can have', () => {
    for (const [name, value] of [
      ['x y', '1'],
      ['', '1'],
      ['x\r\ny', '1'],
      ['ü', '1'],
      ['x', 'a\r\nb: c'],
      ['x', 'a\0b'],
    ] as const)
      assert.equal(reason(withFields([name, value])), 'forward-auth-field-malformed', JSON.stringify([name, value]));
  });

  test('refuses more bytes or fields than a listener takes', () => {
    assert.equal(reason(withFields(['x', 'y'.repeat(1_500)])), 'ok');
    assert.equal(reason(withFields(['x', 'y'.repeat(2_000)])), 'forward-auth-too-large');
    assert.equal(
      reason(withFields(...Array.from({ length: 15 }, () => ['x', 'y'] as const))),
      'forward-auth-too-large',
    );
    assert.equal(reason(ask({ ...line, path: `/${'y'.repeat(2_000)}` })), 'forward-auth-too-large');
  });

  test('refuses what is about no HTTP request, and one without scheme or target', () => {
    assert.equal(reason(checkedRequest({}, connection, limits)), 'forward-auth-no-request');
    assert.equal(reason(ask({ method: 'GET', path: '/', host: 'desk' }, '192.0.2.7')), 'forward-auth-proto-missing');
    assert.equal(
      reason(ask({ method: 'GET', host: 'desk', headers: { 'x-forwarded-proto': 'https' } }, '192.0.2.7')),
      'forward-auth-target-missing',
    );
  });

  test("takes the address of Envoy's peer where no field has one", () => {
    const without = told.filter(([name]) => name !== 'x-forwarded-for');
    assert.deepEqual(valuesOf(ask({ ...line, headerMap: raw(without) }, '192.0.2.9'), 'x-forwarded-for'), [
      '192.0.2.9',
    ]);
    assert.deepEqual(valuesOf(ask({ ...line, headerMap: raw(told) }, '192.0.2.9'), 'x-forwarded-for'), ['192.0.2.7']);
    assert.equal(reason(ask({ ...line, headerMap: raw(without) })), 'forward-auth-address-missing');
  });

  test('takes the word of Envoy for what the client wants to change to, and not the client’s', () => {
    const question = withFields(['upgrade', 'websocket'], ['connection', 'upgrade']);
    assert.ok(question.kind === 'ok');
    assert.equal(question.original.upgrade, true);
    assert.deepEqual(fieldValues(question.original.fields, 'upgrade'), ['websocket']);
    const claimed = withFields(['x-original-upgrade', 'websocket']);
    assert.ok(claimed.kind === 'ok');
    assert.equal(claimed.original.upgrade, false);
  });

  test('never throws, and never gives a field that a listener would not', () => {
    const text = string({ unit: 'binary' });
    const field = record({ key: text, value: text, rawValue: uint8Array() }, { requiredKeys: [] });
    const http = record(
      {
        method: text,
        path: text,
        host: text,
        headers: dictionary(text, text),
        headerMap: record({ headers: array(field) }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    );
    check(
      property(http, (asked) => {
        const question = ask(asked, '192.0.2.7');
        if (question.kind === 'ok')
          assert.ok(question.original.fields.slice(2).every((part) => !/[\0\r\n]/.test(part) && !part.startsWith(':')));
      }),
    );
  });
});
