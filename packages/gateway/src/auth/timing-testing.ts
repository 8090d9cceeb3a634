/**
 * Whether two kinds of calls can be told apart by the time they take: for tests.
 *
 * The two are measured by turns in random order, so that both meet the same disturbances, and their times are compared by
 * two rank tests, to which a few calls that took very long mean nothing:
 *
 * - Mann-Whitney's U (with ties, normal approximation): is one of them slower on the whole?
 * - Kolmogorov-Smirnov's D: do they differ in any other way, such as two speeds instead of one?
 */

/** Of two samples from one distribution, one in 100,000 pairs exceeds it: |z| of Mann-Whitney, two-sided. */
const greatestZ = 4.42;
/** Likewise: D divided by the square root of (n + m) / (n m) is above it with probability 2 exp(-2 c²) = 0.00001. */
const greatestC = 2.47;

export interface Comparison {
  readonly z: number;
  readonly c: number;
  readonly apart: boolean;
  /** With the medians in milliseconds, for messages. */
  readonly text: string;
}

/** Calls both `tries` times each. Their argument counts the calls. */
export async function compareTimes(
  tries: number,
  one: (i: number) => Promise<unknown>,
  other: (i: number) => Promise<unknown>,
): Promise<Comparison> {
  const [ones, others]: [number[], number[]] = [[], []];
  for (let i = 0; i < tries; i++) {
    const both = [
      [one, ones],
      [other, others],
    ] as const;
    for (const [call, times] of Math.random() < 0.5 ? both : both.toReversed()) {
      const start = performance.now();
      await call(i);
      times.push(performance.now() - start);
    }
  }
  return compareSamples(ones, others);
}

/** Compares two lists of times. */
export function compareSamples(ones: readonly number[], others: readonly number[]): Comparison {
  const z = mannWhitney(ones, others);
  const c = kolmogorovSmirnov(ones, others);
  const text = `medians ${median(ones).toFixed(3)} and ${median(others).toFixed(3)} ms, z = ${z.toFixed(2)}, c = ${c.toFixed(2)}`;
  return { z, c, apart: Math.abs(z) > greatestZ || c > greatestC, text };
}

function mannWhitney(ones: readonly number[], others: readonly number[]): number {
  const [n, m] = [ones.length, others.length];
  const all = [...ones.map((time) => ({ time, first: true })), ...others.map((time) => ({ time, first: false }))];
  all.sort((a, b) => a.time - b.time);
  let ranks = 0;
  let ties = 0;
  for (let i = 0; i < all.length; ) {
    let end = i;
    while (end < all.length && all[end]?.time === all[i]?.time) end++;
    const rank = (i + 1 + end) / 2;
    ranks += rank * all.slice(i, end).filter(({ first }) => first).length;
    ties += (end - i) ** 3 - (end - i);
    i = end;
  }
  const u = ranks - (n * (n + 1)) / 2;
  const total = n + m;
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * (total - 1)));
  return (u - (n * m) / 2) / Math.sqrt(variance);
}

function kolmogorovSmirnov(ones: readonly number[], others: readonly number[]): number {
  const [a, b] = [ones.toSorted((x, y) => x - y), others.toSorted((x, y) => x - y)];
  let [i, j, d] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const time = Math.min(a[i] ?? Infinity, b[j] ?? Infinity);
    while (a[i] === time) i++;
    while (b[j] === time) j++;
    d = Math.max(d, Math.abs(i / a.length - j / b.length));
  }
  return d / Math.sqrt((a.length + b.length) / (a.length * b.length));
}

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
