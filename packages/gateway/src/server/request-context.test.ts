import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Connection, RequestHead } from '../wire/http.ts';
import { createPages } from './pages/layout.ts';
import { type BadRequest, type ReadingOptions, type RequestContext, requestReader } from './request-context.ts';

const connection = (more: Partial<Connection> = {}): Connection => ({
  remoteAddress: '10.0.0.9',
  tls: false,
  certificateHash: undefined,
  memory: new Map(),
  ...more,
});
const options: ReadingOptions = {
  trusted: (address) => address === '10.0.0.1',
  mayBePlain: (address) => address === '10.0.0.1' || address === '127.0.0.1',
  stripIdentity: (fields) => ({ fields, removed: [] }),
  pages: createPages(),
};
const read = (peer: Partial<Connection>, fields: readonly string[] = []) =>
  requestReader(options)(
    {
      method: 'GET',
      target: '/',
      fields: ['Host', 'app.corp.example', ...fields],
      connection: connection(peer),
      upgrade: false,
    },
    0,
  );

test('requestReader() refuses plain HTTP from a peer that is neither here nor a trusted proxy', () => {
  const refused = read({});
  assert.equal('kind' in refused && refused.reason, 'plain-http-refused');
});

test('requestReader() takes TLS from anybody', () => {
  const context = read({ tls: true });
  assert.equal('origin' in context && context.origin, 'https://app.corp.example');
});

test('requestReader() takes plain HTTP from a trusted proxy, with the scheme that it tells', () => {
  const context = read({ remoteAddress: '10.0.0.1' }, ['X-Forwarded-Proto', 'https', 'X-Forwarded-For', '192.0.2.7']);
  assert.equal('origin' in context && context.origin, 'https://app.corp.example');
  assert.equal('address' in context && context.address, '192.0.2.7');
});

const party = (upstreamHost: string | undefined) => ({ signIn: 'none', upstreamHost }) as const;

/** Without what differs from request to request by design, and with what its functions give. */
function comparable(context: RequestContext | BadRequest) {
  if ('kind' in context) return context;
  const { toUpstream, requestId: _, ...rest } = context;
  return { ...rest, own: toUpstream(party('app')).fields, given: toUpstream(party(undefined)).fields };
}

test('requestReader() reads fields that it has read before as if it had not', () => {
  // The same arrays again and again, as the engine gives them for a field block that a connection repeats.
  const blocks = [
    ['Host', 'App.corp.example:8443', 'Cookie', 'cardea=1; x=y', 'Accept', 'text/html'],
    [
      'Host',
      'app.corp.example',
      'Cookie',
      '__Host-cardea=2',
      'Authorization',
      'Bearer x',
      'Sec-Fetch-Mode',
      'navigate',
    ],
    ['Host', 'app.corp.example', 'X-Forwarded-For', '192.0.2.7, bad', 'X-Forwarded-Proto', 'https'],
    ['Host', 'app.corp.example', 'X-Forwarded-For', '192.0.2.7', 'X-Forwarded-Proto', 'https', 'Connection', 'x-a'],
    ['Host', 'app', 'Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13'].concat([
      'Sec-WebSocket-Key',
      'dGhlIHNhbXBsZSBub25jZQ==',
    ]),
    ['Host', 'app', 'Connection', 'cookie', 'Cookie', 'cardea=1'],
    ['Host', '-'],
  ];
  const connections = [
    connection({ remoteAddress: '10.0.0.9', tls: true }),
    connection({ remoteAddress: '10.0.0.9' }),
    connection({ remoteAddress: '10.0.0.1' }),
    connection({ remoteAddress: '127.0.0.1' }),
  ];
  const heads: fc.Arbitrary<RequestHead> = fc.record({
    method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'TRACE'),
    target: fc.constantFrom('/', '/a%41?b', '/../x', '*'),
    fields: fc.constantFrom(...blocks),
    connection: fc.constantFrom(...connections),
    upgrade: fc.boolean(),
  });
  let read = 0;
  fc.assert(
    fc.property(fc.array(heads, { minLength: 1, maxLength: 12 }), (sequence) => {
      const reader = requestReader(options);
      for (const [now, head] of sequence.entries()) {
        const alone = comparable(requestReader(options)(head, now));
        if (!('kind' in alone)) read++;
        assert.deepEqual(comparable(reader(head, now)), alone);
      }
    }),
    { numRuns: 1_000 },
  );
  assert.ok(read > 500, `only ${read} requests were read`);
});

test('requestReader() makes the fields for the upstream with the name that is asked for, each time', () => {
  const context = read({ tls: true });
  assert.ok('toUpstream' in context);
  const hosts = ['one', undefined, 'two', 'one'].map((host) => context.toUpstream(party(host)).fields.slice(0, 2));
  assert.deepEqual(hosts, [
    ['Host', 'one'],
    ['Host', 'app.corp.example'],
    ['Host', 'two'],
    ['Host', 'one'],
  ]);
});

test('requestReader() gives every request a number of its own', () => {
  const reader = requestReader(options);
  const head = {
    method: 'GET',
    target: '/',
    fields: ['Host', 'app'],
    connection: connection({ tls: true }),
    upgrade: false,
  };
  const numbers = [reader(head, 0), reader(head, 0)].map((context) => 'requestId' in context && context.requestId);
  assert.notEqual(numbers[0], numbers[1]);
});
