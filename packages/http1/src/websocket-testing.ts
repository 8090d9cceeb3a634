/**
 * Frames for the tests of whatever follows or carries them.
 *
 * @module
 */
import * as fc from 'fast-check';

export interface TestFrame {
  readonly opcode: number;
  readonly fin?: boolean;
  readonly payload?: Uint8Array;
  readonly mask?: Uint8Array | undefined;
  /** RSV1 to RSV3, as extensions use them. */
  readonly reserved?: number;
  /** Bytes for the length, where more are used than needed. */
  readonly lengthBytes?: 1 | 2 | 8;
}

/** The bytes of one frame (RFC 6455, 5.2), also of one that nobody should send. */
export function frame({
  opcode,
  fin = true,
  payload = Buffer.alloc(0),
  mask,
  reserved = 0,
  lengthBytes,
}: TestFrame): Buffer {
  const { length } = payload;
  const bytes = lengthBytes ?? (length < 126 ? 1 : length < 65_536 ? 2 : 8);
  const maskBit = mask === undefined ? 0 : 0x80;
  const head = Buffer.alloc(bytes === 1 ? 2 : 2 + bytes);
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = maskBit | (bytes === 1 ? length : bytes === 2 ? 126 : 127);
  if (bytes === 2) head.writeUInt16BE(length, 2);
  if (bytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, mask ?? Buffer.alloc(0), mask === undefined ? payload : masked(payload, mask)]);
}

function masked(payload: Uint8Array, mask: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(payload);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at] as number) ^ (mask[at & 3] as number);
  return bytes;
}

/** A frame as it may be on the wire, with any opcode but Close, any flags and lengths around the borders of their spellings. */
export const anyFrame: fc.Arbitrary<Buffer> = fc
  .record({
    opcode: fc.constantFrom(0, 1, 2, 9, 10, 3, 15),
    fin: fc.boolean(),
    reserved: fc.integer({ min: 0, max: 7 }),
    length: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 20 }) },
      { weight: 2, arbitrary: fc.constantFrom(124, 125, 126, 127, 255, 256, 257) },
      { weight: 1, arbitrary: fc.constantFrom(65_535, 65_536, 65_537) },
    ),
    fill: fc.constantFrom(0x00, 0x88, 0x80, 0xff, 0x41),
    mask: fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 }), { nil: undefined }),
  })
  .map(({ length, fill, ...rest }) => frame({ ...rest, payload: Buffer.alloc(length, fill) }));

/** A split of `bytes` into pieces, often within a header; `cuts` are taken modulo the length. */
export function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}
