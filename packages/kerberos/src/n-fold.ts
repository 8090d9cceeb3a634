/**
 * n-fold (RFC 3961, 5.1): stretches or shrinks `input` to `size` bytes so that every input bit counts about equally.
 *
 * The input is repeated, each time rotated 13 bits further to the right, up to the least common multiple of both
 * lengths, and the `size`-byte pieces of that are added in ones' complement.
 */
export function nFold(input: Uint8Array, size: number): Uint8Array {
  const inputBits = input.length * 8;
  const total = leastCommonMultiple(input.length, size);
  const sums = new Array<number>(size).fill(0);
  for (let i = 0; i < total; i++) {
    const rotation = 13 * Math.floor(i / input.length);
    const firstBit = (((i % input.length) * 8 - rotation) % inputBits) + inputBits;
    sums[i % size] = (sums[i % size] ?? 0) + eightBitsAt(input, firstBit % inputBits);
  }
  // Ones' complement: what overflows at the top is added again at the bottom, until nothing does.
  let carry = 0;
  do {
    for (let i = size - 1; i >= 0; i--) {
      const sum = (sums[i] ?? 0) + carry;
      sums[i] = sum & 0xff;
      carry = sum >> 8;
    }
  } while (carry > 0);
  return Uint8Array.from(sums);
}

function eightBitsAt(bytes: Uint8Array, bit: number): number {
  const index = bit >> 3;
  const pair = ((bytes[index] ?? 0) << 8) | (bytes[(index + 1) % bytes.length] ?? 0);
  return (pair >> (8 - (bit & 7))) & 0xff;
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
