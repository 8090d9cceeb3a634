/** Several measurements of one thing: the middle one, and how far apart they were. */
export interface Sample {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Throws for no measurements: there is nothing to tell then. */
export function sampleOf(values: readonly number[]): Sample {
  const sorted = values.toSorted((a, b) => a - b);
  const [least] = sorted;
  const most = sorted.at(-1);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (least === undefined || most === undefined || upper === undefined || lower === undefined)
    throw new RangeError('Cannot sum up: there are no measurements');
  return { median: (lower + upper) / 2, least, most };
}

/** The value below which a share (0 to 1) of the sorted values lies; `undefined` without values. */
export function quantile(sorted: ArrayLike<number>, share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
