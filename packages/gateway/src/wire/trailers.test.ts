import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityFieldNames, identityFieldStripper } from './field-names.ts';
import { endToEndTrailers } from './trailers.ts';

const strip = identityFieldStripper(identityFieldNames);

test('endToEndTrailers() keeps fields that may be trailers, in order', () => {
  const trailers = ['X-Checksum', 'abc', 'grpc-status', '0', 'Server-Timing', 'db;dur=1'];
  assert.deepEqual(endToEndTrailers(trailers, strip), trailers);
});

const dropped = [
  'Content-Length',
  'transfer_encoding',
  'Host',
  'Cookie',
  'Authorization',
  'X-Authenticated-User',
  'x_cardea.assertion',
  'X-Forwarded-For',
  'Set-Cookie',
  'Origin',
  'bad name',
];
for (const name of dropped) {
  test(`endToEndTrailers() drops ${name}`, () =>
    assert.deepEqual(endToEndTrailers([name, '1', 'X-A', '2'], strip), ['X-A', '2']));
}

test('endToEndTrailers() drops a trailer with a line break', () => {
  assert.deepEqual(endToEndTrailers(['X-A', '1\r\nHost: x'], strip), []);
});
