/**
 * A sign-on in process, without HTTP: our acceptor and MIT's, with the same tokens.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment, paths } from '../lab/files.ts';
import type { AcceptLoad } from './accept-cardea.ts';
import { profiling } from './measured.ts';
import { missingLab, tokenFile, useLab } from './lab-tokens.ts';
import { missingPrograms, runProgram } from './programs.ts';
import { type Comparison, short } from './report.ts';
import { sampleOf } from './sample.ts';
import type { Part, Surroundings } from './surroundings.ts';

const people = [
  { user: 'alice', what: 'a user with some groups', groups: 5 },
  { user: 'biguser', what: 'a user with 400 groups', groups: 400 },
] as const;

export const acceptPart: Part = {
  name: 'accept',
  summary: 'Negotiate sign-on in process, beside MIT Kerberos',
  missing: () => [...missingLab(), ...missingPrograms()],
  async run(surroundings) {
    await useLab(surroundings);
    const comparisons: Comparison[] = [];
    for (const person of people) comparisons.push(await comparePerson(person, surroundings));
    return comparisons;
  },
};

async function comparePerson(
  { user, what, groups }: (typeof people)[number],
  { quick, rounds, say, folder }: Surroundings,
): Promise<Comparison> {
  const batch = 500;
  const [warmUp, measured] = quick ? [2, 2] : [6, 4];
  const files = folder();
  const file = await tokenFile(user, batch * (warmUp + measured), files);
  const bytes = Buffer.from(readFileSync(file, 'latin1').split('\n')[0] ?? '', 'base64').length;

  const mit = (replays: string) => (): Promise<string> =>
    runProgram('/usr/bin/python3', [join(import.meta.dirname, 'accept-mit.py')], {
      side: 'measured',
      input: JSON.stringify({ file, batch }),
      env: environment({ KRB5_KTNAME: `FILE:${paths.keytab}`, KRB5RCACHENAME: replays }),
      timeoutMs: 120_000,
    });
  const cardea = (state?: () => string) => (): Promise<string> => {
    const load = { file, batch, keytab: paths.keytab, groups, ...(state && { state: state() }) } satisfies AcceptLoad;
    return runProgram(process.execPath, [...profiling(), join(import.meta.dirname, 'accept-cardea.ts')], {
      side: 'measured',
      input: JSON.stringify(load),
      timeoutMs: 120_000,
    });
  };
  const contenders = [
    { what: 'MIT (python3-gssapi), no replay cache', run: mit('none:') },
    { what: 'MIT (python3-gssapi), replay cache in a file', run: () => mit(`file2:${join(folder(), 'replays')}`)() },
    { what: 'Cardea, PAC decoded, replay cache in memory', run: cardea() },
    { what: 'Cardea, PAC decoded, replay cache in SQLite', run: cardea(folder) },
  ].map((contender) => ({ ...contender, costs: [] as number[] }));

  for (let round = 1; round <= rounds; round++)
    for (const contender of contenders) {
      const batches: readonly number[] = JSON.parse(await contender.run());
      const { median } = sampleOf(batches.slice(warmUp));
      say(
        `round ${round}: ${user}: ${contender.what}: ${short(median)} µs CPU (first batch ${short(batches[0] ?? 0)})`,
      );
      contender.costs.push(median);
    }
  return {
    title: `Sign-on in process: ${what}, token of ${bytes} bytes`,
    unit: 'CPU µs per sign-on',
    figures: contenders.map(({ what: name, costs }) => ({ what: name, cost: sampleOf(costs) })),
    remarks: [
      `Each round is a process of its own: ${warmUp * batch} sign-ons to warm up, then ${measured} batches of ${batch}, of which the median counts.`,
      'MIT is called from Python, whose part in the figure is not subtracted; it does not decode the groups.',
    ],
  };
}
