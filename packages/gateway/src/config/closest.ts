/** The candidate that somebody who wrote `word` most likely meant: at most a third of its letters differ. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const written = fold(word);
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: distance(written, fold(candidate)) }))
    .toSorted((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best === undefined) return undefined;
  return best.distance <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined;
}

/** `signIn`, `sign-in` and `sign_in` are one word to their writer. */
const fold = (word: string): string => word.slice(0, 64).toLowerCase().replace(/[-_.]/g, '');

/** Edit distance with swapped neighbours counted as one (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = [];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 0; i <= a.length; i++) {
    rows.push([]);
    for (let j = 0; j <= b.length; j++) {
      let best = i === 0 || j === 0 ? i + j : Math.min(at(i - 1, j), at(i, j - 1)) + 1;
      if (i > 0 && j > 0) {
        best = Math.min(best, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
          best = Math.min(best, at(i - 2, j - 2) + 1);
      }
      rows[i]?.push(best);
    }
  }
  return at(a.length, b.length);
}
