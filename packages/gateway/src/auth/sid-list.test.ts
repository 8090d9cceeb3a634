import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PackedError, PackedReader, PackedWriter } from './packed.ts';
import { readSids, writeSids } from './sid-list.ts';

const subAuthority = fc.oneof(fc.nat({ max: 2_000 }), fc.nat({ max: 2 ** 32 - 1 }));
const sid = fc
  .tuple(fc.constantFrom('5', '1', '16', '0x123456789abc'), fc.array(subAuthority, { minLength: 1, maxLength: 15 }))
  .map(([authority, parts]) => `S-1-${[authority, ...parts].join('-')}`);

function pack(sids: readonly string[]): Uint8Array {
  const writer = new PackedWriter();
  writeSids(writer, sids);
  return writer.end();
}

function unpack(bytes: Uint8Array): readonly string[] {
  const reader = new PackedReader(bytes);
  const sids = readSids(reader);
  reader.end();
  return sids;
}

test('readSids() reads the set that writeSids() wrote', () => {
  fc.assert(
    fc.property(fc.array(sid, { maxLength: 50 }), (sids) => {
      assert.deepEqual([...unpack(pack(sids))].sort(), [...new Set(sids)].sort());
    }),
  );
});

test('writeSids() gives one form to one set, whatever its order and repetitions', () => {
  const sids = ['S-1-5-21-1-2-3-1104', 'S-1-5-32-545', 'S-1-5-21-1-2-3-513', 'S-1-1-0'];
  assert.deepEqual(pack(sids), pack([...sids, ...sids].toReversed()));
});

test('readSids() keeps the highest relative identifier', () => {
  assert.deepEqual(unpack(pack(['S-1-5-21-4294967295', 'S-1-5-21-0'])), ['S-1-5-21-0', 'S-1-5-21-4294967295']);
});

test('writeSids() spends one byte on a neighbour and two on a group of the same domain', () => {
  const domain = 'S-1-5-21-1004336348-1177238915-682003330';
  const size = (rids: readonly number[]): number => pack(rids.map((rid) => `${domain}-${rid}`)).length;
  assert.equal(size([1104, 1105]) - size([1104]), 1);
  assert.equal(size([1104, 9_000]) - size([1104]), 2);
});

test('writeSids() refuses a text that is not a SID', () => {
  for (const text of ['CORP\\staff', 'S-1-5-21-4294967296', 'S-1-5-21-01', 'S-1-5-21--1', 'S-1-5-21-1e3', 'S-1-5-21-'])
    assert.throws(() => pack(['S-1-5-21-1', text]), /Cannot read SID/, text);
});

test('readSids() refuses a relative identifier above 32 bits', () => {
  const writer = new PackedWriter();
  writer.number(1);
  writer.bytes(Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0));
  writer.number(1);
  writer.number(2 ** 32);
  assert.throws(() => unpack(writer.end()), PackedError);
});

test('readSids() refuses a domain that is none', () => {
  const writer = new PackedWriter();
  writer.number(1);
  writer.bytes(Uint8Array.of(1, 2, 3));
  writer.number(1);
  writer.number(7);
  assert.throws(() => unpack(writer.end()), PackedError);
});
