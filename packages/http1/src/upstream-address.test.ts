import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesOf } from './upstream-address.ts';

const times = { ca: undefined, connectTimeoutMs: 1, responseTimeoutMs: 1 };
const at = (origin: string): unknown => addressesOf({ ...times, origin }).map((address) => address.at);

test('addressesOf() reads host and port, and knows the ports of both schemes', () => {
  assert.deepEqual(at('http://app.internal:3000'), [{ host: 'app.internal', port: 3000 }]);
  assert.deepEqual(at('http://app.internal'), [{ host: 'app.internal', port: 80 }]);
  assert.deepEqual(at('https://app.internal'), [{ host: 'app.internal', port: 443 }]);
});

test('addressesOf() takes the brackets from an IPv6 address', () => {
  assert.deepEqual(at('http://[::1]:3000'), [{ host: '::1', port: 3000 }]);
});

test('addressesOf() reads the path of a Unix socket', () => {
  assert.deepEqual(at('unix:/run/app.sock'), [{ path: '/run/app.sock' }]);
});

test('addressesOf() gives each of several addresses once', () => {
  const addresses = addressesOf({ ...times, origin: 'http://a:1', origins: ['http://a:1', 'http://b:2'] });
  assert.deepEqual(
    addresses.map(({ origin }) => origin),
    ['http://a:1', 'http://b:2'],
  );
});

test('addressesOf() names an https upstream in TLS by its own name, and not by an address', () => {
  const names = ['https://app.internal', 'https://127.0.0.1'].map(
    (origin) => addressesOf({ ...times, origin })[0]?.tls?.servername,
  );
  assert.deepEqual(names, ['app.internal', '']);
});

for (const origin of ['ftp://a', 'unix:run/app.sock', 'unix:', 'app:3000', '']) {
  test(`addressesOf() refuses the origin "${origin}"`, () => assert.throws(() => at(origin), TypeError));
}
