import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContentRoom, HeldContent } from './held-content.ts';

/** How many bytes are free of so many. */
function free(room: ContentRoom, all: number): number {
  let [least, most] = [0, all];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (room.has(middle)) least = middle;
    else most = middle - 1;
  }
  return least;
}

test('HeldContent holds content of one packet where it lies, and counts its bytes', () => {
  const room = new ContentRoom(100);
  const held = new HeldContent(room, 50, 5);
  const chunk = Buffer.from('hello');
  assert.equal(held.add(chunk), 'held');
  assert.equal(held.bytes.buffer, chunk.buffer);
  assert.equal(free(room, 100), 95);
  held.release();
  held.release();
  assert.equal(free(room, 100), 100);
});

test('HeldContent copies content of many packets together, in memory of at most twice its size, and counts that', () => {
  const all = 10_000_000;
  const room = new ContentRoom(all);
  const held = new HeldContent(room, all, undefined);
  const chunk = Buffer.from('0123456789');
  for (let n = 1; n <= 20_000; n++) {
    assert.equal(held.add(chunk), 'held');
    if (n % 1_000 === 0) assert.ok(all - free(room, all) <= Math.max(16 * 1024, 2 * n * chunk.length));
  }
  assert.equal(held.bytes.toString(), '0123456789'.repeat(20_000));
  held.release();
  assert.equal(free(room, all), all);
});

test('HeldContent never takes memory beyond what is announced, or may be held', () => {
  for (const [most, announced] of [
    [100_000, 40_000],
    [40_000, undefined],
  ] as const) {
    const room = new ContentRoom(40_000);
    const held = new HeldContent(room, most, announced);
    for (let i = 0; i < 4; i++) assert.equal(held.add(Buffer.alloc(10_000, i)), 'held');
    assert.equal(free(room, 40_000), 0);
    assert.equal(held.add(Buffer.alloc(1)), 'too-large');
    assert.equal(free(room, 40_000), 40_000);
  }
});

test('HeldContent gives all of it back when there is no room for more', () => {
  const room = new ContentRoom(50_000);
  const held = new HeldContent(room, 1_000_000, undefined);
  assert.equal(held.add(Buffer.alloc(30_000)), 'held');
  assert.equal(held.add(Buffer.alloc(30_000)), 'no-room');
  assert.equal(free(room, 50_000), 50_000);
});

test('HeldContent gives its bytes in pieces, in order, once', () => {
  const held = new HeldContent(new ContentRoom(1_000_000), 1_000_000, undefined);
  const content = Buffer.from(Array.from({ length: 150_000 }, (_, i) => i % 251));
  held.add(content.subarray(0, 70_000));
  held.add(content.subarray(70_000));
  const pieces: Buffer[] = [];
  for (let piece = held.next(); piece !== undefined; piece = held.next()) pieces.push(piece);
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [65_536, 65_536, 150_000 - 131_072],
  );
  assert.ok(Buffer.concat(pieces).equals(content));
});

test('ContentRoom gives one holder a quarter, and the rest to others', () => {
  const room = new ContentRoom(100);
  const eve = room.of('eve', 10);
  assert.ok(eve.take(20) && room.of('eve', 10).take(5));
  assert.equal(eve.take(1), false);
  assert.ok(room.of('bob', 10).take(25) && room.take(50));
  assert.equal(room.of('carol', 10).take(1), false);
  eve.give(25);
  assert.ok(room.of('carol', 10).take(25));
});

test('ContentRoom always has room for one request of a holder', () => {
  const eve = new ContentRoom(100).of('eve', 60);
  assert.ok(eve.take(60));
  assert.equal(eve.has(1), false);
});
