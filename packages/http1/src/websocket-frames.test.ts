import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { FrameTracker } from './websocket-frames.ts';
import { anyFrame, frame, split } from './websocket-testing.ts';

const mask = Buffer.from('9f21c405', 'hex');

/** Where frames end, counted from the first byte, as a tracker sees it that is given one byte at a time. */
function ends(bytes: Buffer): number[] {
  const tracker = new FrameTracker();
  const found: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    tracker.push(bytes.subarray(at, at + 1));
    if (tracker.betweenFrames) found.push(at + 1);
  }
  return found;
}

const lengths: readonly (readonly [string, Buffer])[] = [
  ['without content', frame({ opcode: 1 })],
  ['without content, masked', frame({ opcode: 1, mask })],
  ['of 125 bytes', frame({ opcode: 2, payload: Buffer.alloc(125, 0x88) })],
  ['of 126 bytes', frame({ opcode: 2, payload: Buffer.alloc(126, 0x88) })],
  ['of 126 bytes, masked', frame({ opcode: 2, payload: Buffer.alloc(126, 0x88), mask })],
  ['of 65535 bytes', frame({ opcode: 2, payload: Buffer.alloc(65_535), mask })],
  ['of 65536 bytes', frame({ opcode: 2, payload: Buffer.alloc(65_536), mask })],
  [
    'whose length takes more bytes than needed',
    frame({ opcode: 2, payload: Buffer.of(1, 2, 3), lengthBytes: 8, mask }),
  ],
  ['whose long length is zero', frame({ opcode: 2, lengthBytes: 2 })],
  ['of an unknown kind', frame({ opcode: 11, payload: Buffer.of(1), reserved: 7, fin: false })],
];

for (const [name, bytes] of lengths)
  test(`FrameTracker finds the end of a frame ${name}, and no other`, () => {
    assert.deepEqual(ends(Buffer.concat([bytes, bytes])), [bytes.length, 2 * bytes.length]);
  });

test('FrameTracker finds the same ends however the bytes were split', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (frames, cuts) => {
      const all = Buffer.concat(frames);
      const expected = new Set([0]);
      let end = 0;
      for (const { length } of frames) expected.add((end += length));
      const tracker = new FrameTracker();
      let at = 0;
      for (const piece of split(all, cuts)) {
        tracker.push(piece);
        at += piece.length;
        assert.equal(tracker.betweenFrames, expected.has(at), `at ${at}`);
      }
    }),
  );
});

test('FrameTracker.pushToBoundary() stops behind the first frame that ends', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 4 }), fc.nat(), (frames, start) => {
      const all = Buffer.concat(frames);
      const from = start % all.length;
      const tracker = new FrameTracker();
      tracker.push(all.subarray(0, from));
      let end = 0;
      for (const { length } of frames) {
        end += length;
        if (end > from) break;
      }
      assert.equal(tracker.pushToBoundary(all.subarray(from)), end - from);
      assert.equal(tracker.betweenFrames, true);
    }),
  );
});

test('FrameTracker.pushToBoundary() takes all where no frame ends', () => {
  const tracker = new FrameTracker();
  assert.equal(tracker.pushToBoundary(frame({ opcode: 2, payload: Buffer.alloc(300) }).subarray(0, 200)), 200);
  assert.equal(tracker.betweenFrames, false);
});

test('FrameTracker sees a Close when all of it has gone by, and not before', () => {
  for (const close of [
    frame({ opcode: 8 }),
    frame({ opcode: 8, payload: Buffer.from([3, 232, 98, 121, 101]), mask }),
  ]) {
    const tracker = new FrameTracker();
    tracker.push(close.subarray(0, -1));
    assert.equal(tracker.closed, false);
    tracker.push(close.subarray(-1));
    assert.equal(tracker.closed, true);
  }
});

test('FrameTracker takes a Ping and a Pong for no Close', () => {
  const tracker = new FrameTracker();
  tracker.push(Buffer.concat([frame({ opcode: 9, payload: Buffer.of(1) }), frame({ opcode: 10, mask })]));
  assert.equal(tracker.closed, false);
});

test('FrameTracker takes nothing within a payload for a Close', () => {
  const tracker = new FrameTracker();
  const close = frame({ opcode: 8 });
  tracker.push(frame({ opcode: 2, payload: Buffer.concat(Array.from({ length: 50 }, () => close)) }));
  assert.equal(tracker.closed, false);
});

test('FrameTracker sees a Close between the fragments of a message', () => {
  const tracker = new FrameTracker();
  tracker.push(frame({ opcode: 1, fin: false, payload: Buffer.from('a'), mask }));
  tracker.push(frame({ opcode: 8, mask }));
  assert.equal(tracker.closed, true);
});

test('FrameTracker finds the end of a frame of 4 GiB', () => {
  const head = Buffer.from('827f0000000100000000', 'hex');
  const piece = Buffer.alloc(2 ** 26);
  const tracker = new FrameTracker();
  tracker.push(head);
  for (let i = 0; i < 64; i++) {
    assert.equal(tracker.betweenFrames, false);
    tracker.push(piece);
  }
  assert.equal(tracker.betweenFrames, true);
});

test('FrameTracker never comes to the end of a length that nobody can send', () => {
  for (const length of [0x7fff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn]) {
    const head = Buffer.from([0x82, 0x7f, ...Buffer.alloc(8)]);
    head.writeBigUInt64BE(length, 2);
    const tracker = new FrameTracker();
    tracker.push(head);
    for (let i = 0; i < 100; i++) tracker.push(Buffer.alloc(100_000));
    assert.equal(tracker.betweenFrames, false);
  }
});
