import { ok, type Parsed, wrong } from '../parsed.ts';

const unitBytes: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

export interface SizeBounds {
  readonly min: string;
  readonly max: string;
}

/** A number of bytes: a whole number and one unit of `B`, `KiB`, `MiB`, `GiB`. */
export function parseSize(text: string, bounds: SizeBounds): Parsed<number> {
  const value = bytes(text);
  if (value === undefined)
    return wrong(`"${text}" is not a size`, 'Write a whole number and a unit (B, KiB, MiB, GiB), for example 64KiB.');
  if (value < (bytes(bounds.min) ?? 0)) return wrong(`${text} is too small`, `Write at least ${bounds.min}.`);
  if (value > (bytes(bounds.max) ?? 0)) return wrong(`${text} is too large`, `Write at most ${bounds.max}.`);
  return ok(value);
}

function bytes(text: string): number | undefined {
  const [, digits, unit] = /^([0-9]{1,9})(B|KiB|MiB|GiB)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : unitBytes[unit];
  return factor === undefined ? undefined : Number(digits) * factor;
}
