import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeClientInfo } from '../test/pac-encoder.ts';
import { msPacExample } from '../test/pac-vectors.ts';
import { PacError, PacType, readPacBuffers } from './pac-buffers.ts';
import { readClientInfo } from './pac-client-info.ts';

test('readClientInfo() reads the example of MS-PAC, 3.2', () => {
  const bytes = readPacBuffers(msPacExample).get(PacType.clientInfo)?.bytes ?? new Uint8Array();
  assert.deepEqual(readClientInfo(bytes), { name: 'lzhu', authTime: Date.UTC(2006, 3, 28, 1, 42, 50) / 1000 });
});

test('readClientInfo() reads names of several parts and of any script', () => {
  for (const name of ['HTTP/app.corp.example', 'Zoë', '山田', '']) {
    assert.deepEqual(readClientInfo(encodeClientInfo(name, 5_000)), { name, authTime: 5 });
  }
});

test('readClientInfo() passes over padding', () => {
  assert.equal(readClientInfo(Uint8Array.of(...encodeClientInfo('a', 0), 0, 0)).name, 'a');
});

const good = encodeClientInfo('alice', 0);
const refusals: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array()],
  ['half a header', good.subarray(0, 9)],
  ['a name that is cut short', good.subarray(0, good.length - 2)],
  ['a name of an odd length', good.with(8, 9)],
  ['a lone surrogate', good.with(11, 0xd8)],
];

for (const [name, bytes] of refusals) {
  test(`readClientInfo() refuses ${name}`, () => assert.throws(() => readClientInfo(bytes), PacError));
}
