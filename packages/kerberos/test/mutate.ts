/**
 * Ways to spoil bytes, for fuzz tests: an arbitrary over damaged copies of valid messages.
 *
 * @module
 */
import * as fc from 'fast-check';

/** How often a fuzz test tries: `CARDEA_FUZZ_RUNS`, or a number that keeps the unit tests quick. */
export const fuzzRuns = (quick: number): number => Number(process.env['CARDEA_FUZZ_RUNS'] ?? quick);

type Edit = (bytes: readonly number[]) => readonly number[];

/** One to three small edits of one of the messages: bits, bytes, cuts, repeats, and off-by-a-few lengths. */
export function spoiled(messages: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const place = fc.nat({ max: 0xffff });
  const byte = fc.constantFrom(
    0x00,
    0x01,
    0x02,
    0x06,
    0x30,
    0x60,
    0x7f,
    0x80,
    0x81,
    0x82,
    0xa0,
    0xa1,
    0xa3,
    0xa4,
    0xff,
  );
  const edit = fc.oneof<fc.Arbitrary<Edit>[]>(
    fc.tuple(place, fc.nat({ max: 7 })).map(
      ([at, bit]) =>
        (old) =>
          changed(old, at, (value) => value ^ (1 << bit)),
    ),
    fc.tuple(place, byte).map(
      ([at, value]) =>
        (old) =>
          changed(old, at, () => value),
    ),
    fc.tuple(place, fc.integer({ min: -4, max: 4 })).map(
      ([at, step]) =>
        (old) =>
          changed(old, at, (v) => v + step),
    ),
    place.map((at) => (old) => old.slice(0, at % (old.length + 1))),
    fc.tuple(place, byte).map(
      ([at, value]) =>
        (old) =>
          old.toSpliced(at % (old.length + 1), 0, value),
    ),
    fc.tuple(place, fc.nat({ max: 8 })).map(
      ([at, n]) =>
        (old) =>
          old.toSpliced(at % (old.length + 1), n),
    ),
    fc.tuple(place, place, fc.nat({ max: 16 })).map(([from, to, n]) => (old) => {
      const start = from % (old.length + 1);
      return old.toSpliced(to % (old.length + 1), 0, ...old.slice(start, start + n));
    }),
  );
  return fc
    .tuple(fc.constantFrom(...messages), fc.array(edit, { minLength: 1, maxLength: 3 }))
    .map(([message, edits]) =>
      Uint8Array.from(edits.reduce<readonly number[]>((old, next) => next(old), [...message])),
    );
}

function changed(old: readonly number[], at: number, change: (value: number) => number): readonly number[] {
  if (old.length === 0) return old;
  const index = at % old.length;
  return old.with(index, change(old[index] ?? 0) & 0xff);
}
