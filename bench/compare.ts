import { cpuMicroseconds } from './cpu.ts';
import type { Load } from './load.ts';
import { type Figure, short } from './report.ts';
import { sampleOf } from './sample.ts';
import type { Surroundings } from './surroundings.ts';

/** A server that is measured while it is under load. */
export interface Contender {
  readonly what: string;
  /** Of the server: everything it has started counts as well. */
  readonly pid: number;
  /** Puts it under load once. Round 0 is for warming up and does not count. */
  load(round: number): Promise<Load>;
}

/** Measures all contenders in turns, so that whatever else happens on the machine meets all of them. */
export async function compare(
  contenders: readonly Contender[],
  { rounds, say }: Pick<Surroundings, 'rounds' | 'say'>,
): Promise<readonly Figure[]> {
  const results = new Map(contenders.map((contender) => [contender, [] as (Load & { readonly cpu: number })[]]));
  for (let round = 0; round <= rounds; round++)
    for (const [contender, measured] of results) {
      const before = cpuMicroseconds(contender.pid);
      const load = await contender.load(round);
      const cpu = (cpuMicroseconds(contender.pid) - before) / load.requests;
      // An error costs another amount than what is to be measured.
      if (load.failures > 0 || load.requests === 0)
        throw new Error(`Cannot measure "${contender.what}": ${load.failures} of ${load.requests} requests failed`);
      say(`${round === 0 ? 'warm-up' : `round ${round}`}: ${contender.what}: ${short(cpu)} µs CPU`);
      if (round > 0) measured.push({ ...load, cpu });
    }
  const middle = (values: readonly (number | undefined)[]): number | undefined => {
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? undefined : sampleOf(known).median;
  };
  return [...results].map(([{ what }, measured]) => ({
    what,
    cost: sampleOf(measured.map(({ cpu }) => cpu)),
    perSecond: middle(measured.map(({ requests, seconds }) => requests / seconds)),
    p50Ms: middle(measured.map(({ p50Ms }) => p50Ms)),
    p99Ms: middle(measured.map(({ p99Ms }) => p99Ms)),
  }));
}
