import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockMemory } from './block-memory.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

test('BlockMemory.recall() knows the bytes again, wherever they stand', () => {
  const memory = new BlockMemory<number>();
  memory.keep(bytes('..abc..'), 2, 5, 7);
  assert.equal(memory.recall(bytes('abc'), 0), 7);
  assert.equal(memory.recall(bytes('_abcd'), 1), 7);
});

test('BlockMemory.recall() takes other bytes for others, and a part for none', () => {
  const memory = new BlockMemory<number>();
  memory.keep(bytes('abc'), 0, 3, 7);
  for (const other of ['abd', 'Abc', 'ab', '', 'xabc']) assert.equal(memory.recall(bytes(other), 0), undefined, other);
});

test('BlockMemory.keep() copies the bytes', () => {
  const memory = new BlockMemory<number>();
  const chunk = bytes('abc');
  memory.keep(chunk, 0, 3, 7);
  chunk.fill('x');
  assert.equal(memory.recall(bytes('abc'), 0), 7);
});

test('BlockMemory.keep() replaces what was there, by something shorter or longer', () => {
  const memory = new BlockMemory<number>();
  for (const [i, text] of ['abc', 'ab', 'abcdef', 'x'].entries()) {
    memory.keep(bytes(text), 0, text.length, i);
    assert.equal(memory.length, text.length);
    assert.equal(memory.recall(bytes(text), 0), i);
  }
  assert.equal(memory.recall(bytes('abc'), 0), undefined);
});

test('BlockMemory.keep() remembers nothing rather than something very long', () => {
  const memory = new BlockMemory<number>();
  memory.keep(bytes('abc'), 0, 3, 7);
  const long = Buffer.alloc(8 * 1024 + 1);
  memory.keep(long, 0, long.length, 8);
  assert.equal(memory.length, 0);
  assert.equal(memory.recall(long, 0), undefined);
});

test('BlockMemory.forget() forgets', () => {
  const memory = new BlockMemory<number>();
  memory.keep(bytes('abc'), 0, 3, 7);
  memory.forget();
  assert.equal(memory.recall(bytes('abc'), 0), undefined);
  assert.equal(memory.length, 0);
});
