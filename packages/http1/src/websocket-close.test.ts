import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeFrame } from './websocket-close.ts';

const mask = Buffer.from('37fa213d', 'hex');

test('closeFrame() writes code and reason without a mask for a client', () => {
  assert.equal(closeFrame(1001, 'bye').toString('hex'), '880503e9627965');
  assert.equal(closeFrame(4401, '').toString('hex'), '88021131');
});

test('closeFrame() masks code and reason for a server', () => {
  const bytes = closeFrame(1001, 'bye', mask);
  assert.equal(bytes.subarray(0, 6).toString('hex'), '888537fa213d');
  const payload = bytes.subarray(6).map((byte, at) => byte ^ (mask[at % 4] as number));
  assert.equal(Buffer.from(payload).toString('latin1'), '\x03\xe9bye');
});

for (const [kind, character] of [
  ['one byte', 'x'],
  ['two bytes', 'ü'],
  ['three bytes', '€'],
  ['four bytes', '🦊'],
] as const)
  test(`closeFrame() cuts a long reason between characters of ${kind}`, () => {
    for (const lead of ['', 'a', 'ab', 'abc']) {
      const text = closeFrame(1000, lead + character.repeat(200)).subarray(4);
      const size = Buffer.byteLength(character);
      assert.equal(text.length, lead.length + Math.floor((123 - lead.length) / size) * size);
      assert.equal(text.toString('utf8').includes('\ufffd'), false);
    }
  });

test('closeFrame() leaves a reason of 123 bytes whole', () => {
  assert.equal(closeFrame(1000, 'x'.repeat(123)).length, 127);
});

test('closeFrame() throws for a code that must not be sent', () => {
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, Number.NaN])
    assert.throws(() => closeFrame(code, ''), RangeError, String(code));
  for (const code of [1000, 1003, 1007, 1014, 3000, 4999]) assert.equal(closeFrame(code, '').readUInt16BE(2), code);
});

test('closeFrame() throws for a mask of another size', () => {
  assert.throws(() => closeFrame(1000, '', Buffer.alloc(3)), RangeError);
});
