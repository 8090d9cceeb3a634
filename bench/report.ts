/**
 * What the benchmarks found, and how it is shown.
 *
 * @module
 */
import type { Sample } from './sample.ts';

/** One contender of one comparison. */
export interface Figure {
  readonly what: string;
  /** What `Comparison.unit` says; less is better. */
  readonly cost: Sample;
  readonly perSecond?: number | undefined;
  readonly p50Ms?: number | undefined;
  readonly p99Ms?: number | undefined;
}

/** Contenders that were measured in turns, in one run. The first one is what the others are compared with. */
export interface Comparison {
  readonly title: string;
  /** What a cost is: `CPU µs per sign-on`. */
  readonly unit: string;
  readonly figures: readonly Figure[];
  /** What to know when reading it. */
  readonly remarks: readonly string[];
}

const columns = ['median', 'from - to', 'ratio', 'per second', 'p50 ms', 'p99 ms'];

/** A comparison as text with aligned columns. Columns that nobody filled are left out. */
export function formatComparison({ title, unit, figures, remarks }: Comparison): string {
  const reference = figures[0]?.cost.median ?? Number.NaN;
  const rows = figures.map(({ what, cost, perSecond, p50Ms, p99Ms }) => [
    what,
    short(cost.median),
    `${short(cost.least)} - ${short(cost.most)}`,
    (cost.median / reference).toFixed(2),
    perSecond === undefined ? '' : short(perSecond),
    p50Ms === undefined ? '' : p50Ms.toFixed(2),
    p99Ms === undefined ? '' : p99Ms.toFixed(2),
  ]);
  const used = ['', ...columns].map((_, i) => i === 0 || rows.some((row) => row[i] !== ''));
  const table = [[unit, ...columns], ...rows].map((row) => row.filter((_, i) => used[i] === true));
  const widths = (table[0] ?? []).map((_, i) => Math.max(...table.map((row) => (row[i] ?? '').length)));
  const lines = table.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
  return [title, '', ...lines.map((line) => `  ${line}`), ...remarks.map((remark) => `  * ${remark}`), ''].join('\n');
}

/** Three digits are more than a measurement here is worth. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits);
}
