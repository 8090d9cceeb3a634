/**
 * Which of several addresses of one upstream gets the next request. Pure: the pool keeps the state, time is an argument.
 *
 * @module
 */

/** How an address has answered attempts to connect to it. */
export interface Health {
  /** Attempts in a row that have failed. */
  readonly failures: number;
  /** Until then it gets no request, as long as another address can take it. Milliseconds, on the clock of the caller. */
  readonly restUntil: number;
}

/** As much as the choice depends on. */
export interface Candidate {
  readonly health: Health;
  /** Requests in progress. */
  readonly busy: number;
}

/** Nothing is known against it. */
export const WELL: Health = { failures: 0, restUntil: 0 };

const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 30_000;

/** After an attempt to connect has failed: a rest that doubles each time. */
export function afterFailure({ failures }: Health, now: number): Health {
  const rest = Math.min(FIRST_REST_MS * 2 ** failures, LONGEST_REST_MS);
  return { failures: failures + 1, restUntil: now + rest };
}

/**
 * When a request is sent to find out whether an address that failed is back: until that is known (or `patienceMs` have
 * passed) no other request follows it.
 */
export function whileTrying(health: Health, now: number, patienceMs: number): Health {
  return health.failures === 0 ? health : { ...health, restUntil: now + patienceMs };
}

/**
 * The index of the address with the fewest requests in progress among those that need no rest; where all rest, the one
 * whose rest ends first. Equals take turns: the search begins at `turn`. `undefined` when every address is `excluded`.
 */
export function choose(
  candidates: readonly Candidate[],
  now: number,
  turn: number,
  excluded: ReadonlySet<unknown>,
): number | undefined {
  let best: number | undefined;
  for (let i = 0; i < candidates.length; i++) {
    const at = (turn + i) % candidates.length;
    const candidate = candidates[at] as Candidate;
    if (excluded.has(candidate)) continue;
    if (best === undefined || isBetter(candidate, candidates[best] as Candidate, now)) best = at;
  }
  return best;
}

function isBetter(a: Candidate, b: Candidate, now: number): boolean {
  const aRests = a.health.restUntil > now;
  const bRests = b.health.restUntil > now;
  if (aRests !== bRests) return bRests;
  return aRests ? a.health.restUntil < b.health.restUntil : a.busy < b.busy;
}
