import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Relay } from './relay.ts';
import { anyFrame, frame, split } from './websocket-testing.ts';

const ours = frame({ opcode: 8, payload: Buffer.from('\x03\xe9ours', 'latin1') });
const theirs = frame({ opcode: 8, payload: Buffer.from('\x03\xe8theirs', 'latin1') });

/** Keeps what it is given; full when told so. */
class Paper {
  readonly written: Buffer[] = [];
  full = false;

  write(chunk: Buffer): boolean {
    this.written.push(Buffer.from(chunk));
    return !this.full;
  }

  get all(): Buffer {
    return Buffer.concat(this.written);
  }
}

test('Relay passes everything on as it comes, frames or not', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.array(fc.nat(), { maxLength: 9 }), (bytes, cuts) => {
      const paper = new Paper();
      const relay = new Relay(paper);
      for (const piece of split(Buffer.from(bytes), cuts)) relay.push(piece);
      assert.deepEqual(paper.all, Buffer.from(bytes));
      assert.equal(relay.bytes, bytes.length);
    }),
  );
});

test('Relay puts a Close exactly between two frames, wherever it is told to, and alters nothing before it', () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      fc.nat(),
      (frames, cuts, when) => {
        const pieces = split(Buffer.concat(frames), cuts);
        const paper = new Paper();
        const relay = new Relay(paper);
        let before = 0;
        for (const [i, piece] of pieces.entries()) {
          if (i === when % pieces.length) relay.close(ours);
          relay.push(piece);
          if (i < when % pieces.length) before += piece.length;
        }
        // The close goes behind the frame in progress at that moment, or right there when none was.
        let end = 0;
        for (const { length } of frames) {
          if (end >= before) break;
          end += length;
        }
        assert.deepEqual(paper.all, Buffer.concat([Buffer.concat(frames).subarray(0, end), ours]));
        assert.equal(relay.bytes, end);
        assert.equal(relay.sinkClosed, true);
      },
    ),
  );
});

test('Relay.close() puts the Close between two fragments of a message', () => {
  const paper = new Paper();
  const relay = new Relay(paper);
  const first = frame({ opcode: 1, fin: false, payload: Buffer.from('frag') });
  relay.push(first);
  relay.close(ours);
  relay.push(frame({ opcode: 0, payload: Buffer.from('ment') }));
  assert.deepEqual(paper.all, Buffer.concat([first, ours]));
});

test('Relay.close() adds nothing behind a Close of the source', () => {
  const paper = new Paper();
  const relay = new Relay(paper);
  relay.push(theirs);
  relay.close(ours);
  relay.close(ours);
  assert.deepEqual(paper.all, theirs);
  assert.equal(relay.sinkClosed, true);
});

test('Relay.close() lets the Close of the source pass when it is the frame in progress', () => {
  for (let at = 1; at < theirs.length; at++) {
    const paper = new Paper();
    const relay = new Relay(paper);
    relay.push(theirs.subarray(0, at));
    relay.close(ours);
    assert.equal(relay.sinkClosed, false);
    relay.push(theirs.subarray(at));
    relay.push(frame({ opcode: 9 }));
    assert.deepEqual(paper.all, theirs);
    assert.equal(relay.sinkClosed, true);
    assert.equal(relay.sourceClosed, true);
  }
});

test('Relay sees the answer to its Close, and passes it on no more', () => {
  const paper = new Paper();
  const relay = new Relay(paper);
  relay.close(ours);
  relay.push(frame({ opcode: 1, payload: Buffer.from('late') }));
  assert.equal(relay.sourceClosed, false);
  relay.push(theirs);
  assert.equal(relay.sourceClosed, true);
  assert.deepEqual(paper.all, ours);
});

test('Relay sees the answer to its Close in the same piece that ends the frame in progress', () => {
  const paper = new Paper();
  const relay = new Relay(paper);
  const message = frame({ opcode: 1, payload: Buffer.from('message') });
  relay.push(message.subarray(0, 3));
  relay.close(ours);
  relay.push(Buffer.concat([message.subarray(3), theirs]));
  assert.deepEqual(paper.all, Buffer.concat([message, ours]));
  assert.equal(relay.sourceClosed, true);
});

test('Relay asks its source to wait for a full sink, but not for what it drops', () => {
  const paper = new Paper();
  const relay = new Relay(paper);
  paper.full = true;
  assert.equal(relay.push(frame({ opcode: 1 })), false);
  relay.close(ours);
  assert.equal(relay.push(frame({ opcode: 1 })), true);
});
