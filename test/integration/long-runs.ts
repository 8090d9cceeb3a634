/**
 * Long inputs in which one short piece comes again and again: what makes a reader slow that looks back, or ahead, at each
 * of them.
 *
 * @module
 */

/** One shape of such an input. */
export interface Shape {
  readonly before: string;
  readonly again: string;
  readonly after: string;
}

const separators = [' ', '\t', ',', ';', '=', '"', '\\', '/', '.', ':', '%', '&', '-', '_', '[', '(', '*', '@', '+'];

const others = [
  'a',
  'Z',
  '0',
  '\0',
  '\r',
  '\n',
  '\x7f',
  '\x80',
  '\u00a0',
  '\u00e4',
  '\u00ff',
  '\u0130',
  '\u2028',
  '\ud83e',
];

const pieces: readonly string[] = [
  ...separators.flatMap((one) => ['a', ' ', one === '.' ? '/' : '.'].map((other) => one + other)),
  ...`%41|%25|%2|%C3%A4|\\"|..|x=1; |="a", |a b, |::|1:|S-1-5-21-|\u{1f98a}|é=`.split('|'),
  ...'\r\n|\r\n |a: |a:\r\n|\r\na: b|0\r\n\r\n|1\r\nx\r\n'.split('|'),
];

const combined = (all: readonly string[], before: readonly string[], after: readonly string[]): readonly Shape[] =>
  all.flatMap((again) => before.flatMap((first) => after.map((last) => ({ before: first, again, after: last }))));

/** What stands next to each other in HTTP, in cookies and in names; at its end it goes wrong, or does not. */
export const shapes: readonly Shape[] = [
  ...combined(separators, ['', 'a', '"'], ['', '\0', 'a']),
  ...combined(others, ['', 'a'], ['', '\0']),
  ...combined(pieces, ['', 'a'], ['', '\0']),
];

/** An input of this length, or a little less, in this shape. */
export function inShape({ before, again, after }: Shape, length: number): string {
  const times = Math.floor((length - before.length - after.length) / again.length);
  return before + again.repeat(times) + after;
}

/** What is read so quickly need not be read once more to see whether it can be quicker. */
const QUICK_MS = 10;

/** What takes longest among some inputs. */
export interface Slowness {
  readonly ms: number;
  readonly shape: string;
}

/** The most that `read` takes for any of these shapes. */
export function slowest(read: (text: string) => unknown, all: readonly Shape[], length: number): Slowness {
  let worst: Slowness = { ms: 0, shape: '' };
  for (const shape of all) {
    const ms = durationOf(read, inShape(shape, length));
    if (ms > worst.ms) worst = { ms, shape: JSON.stringify(shape) };
  }
  return worst;
}

/** How long it takes: the least of three attempts, as only what is slow by itself counts. To throw is a way of reading. */
export function durationOf<T>(read: (input: T) => unknown, input: T): number {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && best > QUICK_MS; attempt++) {
    const from = performance.now();
    try {
      read(input);
    } catch {
      // Refused.
    }
    best = Math.min(best, performance.now() - from);
  }
  return best;
}
