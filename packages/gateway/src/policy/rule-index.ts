import type { Glob } from './glob.ts';

/** Rules by the first segment of their paths, so that a policy of many rules need not look at each. */
export interface RuleIndex {
  /** Places of the rules that may fit a path which begins with this segment, in order. */
  readonly byFirst: ReadonlyMap<string, readonly number[]>;
  /** Those that may fit any other path. */
  readonly others: readonly number[];
}

/** Sorts rules by their paths. */
export function indexRules(paths: readonly Glob[]): RuleIndex {
  const firsts = paths.map(firstOf);
  const places = [...firsts.keys()];
  const others = places.filter((i) => firsts[i] === undefined);
  const lists = new Map<string, number[]>();
  // Those that fit any beginning are in every list, so that one list in order answers.
  for (const first of firsts) if (first !== undefined && !lists.has(first)) lists.set(first, []);
  for (const i of places) {
    const first = firsts[i];
    if (first === undefined) for (const list of lists.values()) list.push(i);
    else lists.get(first)?.push(i);
  }
  return { byFirst: lists, others };
}

/** The places of all rules that may fit this path, and of some more. */
export const candidates = ({ byFirst, others }: RuleIndex, segments: readonly string[]): readonly number[] =>
  byFirst.get(segments[0] ?? '') ?? others;

/** The first segment, if the path says it letter for letter. */
function firstOf({ runs }: Glob): string | undefined {
  const pattern = runs[0]?.[0];
  return pattern?.length === 1 ? pattern[0] : undefined;
}
