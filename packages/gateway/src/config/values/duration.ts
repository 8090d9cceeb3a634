import { ok, type Parsed, wrong } from '../parsed.ts';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export interface Bounds {
  readonly min: string;
  readonly max: string;
}

/**
 * A length of time: a whole number and one unit of `ms`, `s`, `m`, `h`, `d`. The value is in milliseconds.
 * `90` alone is refused, for it would mean seconds to one reader and minutes to the next.
 */
export function parseDuration(text: string, bounds: Bounds): Parsed<number> {
  const value = milliseconds(text);
  if (value === undefined)
    return wrong(
      `"${text}" is not a duration`,
      'Write a whole number and a unit (ms, s, m, h, d), for example 90s or 8h.',
    );
  if (value < duration(bounds.min)) return wrong(`${text} is too short`, `Write at least ${bounds.min}.`);
  if (value > duration(bounds.max)) return wrong(`${text} is too long`, `Write at most ${bounds.max}.`);
  return ok(value);
}

/** The milliseconds of a duration that stands in the source code. Throws on one that is misspelled. */
export function duration(text: string): number {
  const value = milliseconds(text);
  if (value === undefined) throw new RangeError(`Cannot read duration "${text}"`);
  return value;
}

function milliseconds(text: string): number | undefined {
  const [, digits, unit] = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : unitMs[unit];
  return factor === undefined ? undefined : Number(digits) * factor;
}
