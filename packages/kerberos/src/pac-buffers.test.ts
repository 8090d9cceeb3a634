import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layOutPac } from '../test/pac-encoder.ts';
import { msPacExample } from '../test/pac-vectors.ts';
import { PacError, PacType, readPacBuffers } from './pac-buffers.ts';

test('readPacBuffers() finds the buffers of the example in MS-PAC, 3', () => {
  const buffers = readPacBuffers(msPacExample);
  const found = [...buffers].map(([type, { offset, bytes }]) => [type, offset, bytes.length]);
  assert.deepEqual(found, [
    [PacType.logonInfo, 0x48, 0x4b0],
    [PacType.clientInfo, 0x4f8, 0x12],
    [PacType.serverChecksum, 0x510, 0x14],
    [PacType.kdcChecksum, 0x528, 0x14],
  ]);
});

test('readPacBuffers() keeps the first of several buffers of a type that is not used here (MS-PAC 2.4)', () => {
  const pac = layOutPac([
    { type: 99, bytes: Uint8Array.of(1) },
    { type: 99, bytes: Uint8Array.of(2) },
  ]);
  assert.deepEqual(readPacBuffers(pac).get(99)?.bytes, Uint8Array.of(1));
});

test('readPacBuffers() accepts empty buffers', () => {
  const pac = layOutPac([
    { type: 98, bytes: new Uint8Array() },
    { type: 99, bytes: Uint8Array.of(1) },
  ]);
  assert.equal(readPacBuffers(pac).get(98)?.bytes.length, 0);
});

for (const type of [
  PacType.logonInfo,
  PacType.serverChecksum,
  PacType.kdcChecksum,
  PacType.clientInfo,
  PacType.upnDnsInfo,
  PacType.requestor,
]) {
  test(`readPacBuffers() refuses a second buffer of type ${type}`, () => {
    const buffer = { type, bytes: Uint8Array.of(1) };
    assert.throws(() => readPacBuffers(layOutPac([buffer, buffer])), PacError);
  });
}

const good = layOutPac([
  { type: 98, bytes: new Uint8Array(4) },
  { type: 99, bytes: new Uint8Array(16) },
]);

function poked(offset: number, value: number): Uint8Array {
  const bytes = Uint8Array.from(good);
  new DataView(bytes.buffer).setUint32(offset, value, true);
  return bytes;
}

const many = (count: number): Uint8Array =>
  layOutPac(Array.from({ length: count }, (_, i) => ({ type: 100 + i, bytes: new Uint8Array(8) })));

const refusals: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array()],
  ['half a header', good.subarray(0, 7)],
  ['a directory that is cut short', good.subarray(0, 39)],
  ['another version', poked(4, 1)],
  ['4 billion buffers', poked(0, 0xffffffff)],
  ['65 buffers', many(65)],
  ['a buffer that ends outside', poked(28, 17)],
  ['a buffer of 4 GiB', poked(28, 0xffffffff)],
  ['a buffer that begins outside', poked(32, 64)],
  ['an offset above 32 bits', poked(36, 1)],
  ['a buffer in the directory', poked(16, 32)],
  ['a buffer that is not aligned', poked(16, 44)],
  ['overlapping buffers', poked(32, 40)],
  ['a buffer that reaches into the next one', poked(12, 9)],
];

for (const [name, bytes] of refusals) {
  test(`readPacBuffers() refuses ${name}`, () => assert.throws(() => readPacBuffers(bytes), PacError));
}

test('readPacBuffers() reads 64 buffers', () => assert.equal(readPacBuffers(many(64)).size, 64));
