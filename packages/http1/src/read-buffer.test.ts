import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadBuffer } from './read-buffer.ts';

test('ReadBuffer.next() gives the same memory as long as nothing is kept', () => {
  const buffer = new ReadBuffer();
  const first = buffer.next();
  buffer.view(100);
  assert.equal(buffer.next(), first);
});

test('ReadBuffer.next() never gives memory that is kept, and wastes little of it', () => {
  const buffer = new ReadBuffer();
  const kept: Buffer[] = [];
  const used = new Set<ArrayBufferLike>();
  for (let i = 0; i < 200; i++) {
    const memory = buffer.next();
    memory.fill(i, 0, 1_000);
    used.add(memory.buffer);
    kept.push(buffer.view(1_000));
    buffer.keep();
  }
  kept.forEach((bytes, i) => assert.equal(bytes.equals(Buffer.alloc(1_000, i)), true));
  assert.equal(used.size <= 5, true, `${used.size} blocks for 200 kB`);
});
