/**
 * What a decision costs in process, by the number of rules.
 *
 * @module
 */
import type { Identity } from '../packages/gateway/src/core/identity.ts';
import { compilePolicy } from '../packages/gateway/src/policy/compile.ts';
import { decide } from '../packages/gateway/src/policy/decide.ts';
import type { Rule } from '../packages/gateway/src/policy/rule.ts';
import { subjectOf } from '../packages/gateway/src/policy/subject.ts';
import type { Comparison } from './report.ts';
import { sampleOf } from './sample.ts';
import type { Part, Surroundings } from './surroundings.ts';

const here = { now: Date.UTC(2026, 10, 23, 12), address: '10.1.2.3' };
const person: Identity = {
  subject: 'S-1-5-21-1-2-3-1103',
  account: 'CORP\\alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: [],
  groups: Array.from({ length: 50 }, (_, i) => `Group-${i}`),
  method: 'negotiate',
  authenticatedAt: here.now,
  provenAt: here.now,
  expiresAt: here.now + 3_600_000,
};
const subject = subjectOf(person, {});

/** One rule for each part of an application, as they are written. */
const simple = (count: number): Rule[] =>
  Array.from({ length: count }, (_, i) => ({ path: `/part${i}/**`, groups: [`other-${i}`, 'group-7'] }));

/** All below one folder, so that each has to be looked at. */
const below = (count: number): Rule[] => simple(count).map((rule) => ({ ...rule, path: `/api${rule.path}` }));

const rich = (count: number): Rule[] =>
  simple(count).map((rule) => ({
    ...rule,
    max_age: 900_000,
    networks: ['192.0.2.0/24', '10.0.0.0/8'],
    between: ['mon-fri 07:00-19:00 Europe/Berlin'],
    not: { groups: ['guests'] },
    any_of: [{ groups: ['nobody'] }, { signed_in_by: ['negotiate'] }],
  }));

export const policyPart: Part = {
  name: 'policy',
  summary: 'decisions in process, by the number of rules',
  missing: () => [],
  async run(surroundings) {
    return [10, 100, 1_000].map((count) => compare(count, surroundings));
  },
};

function compare(count: number, { quick, rounds, say }: Surroundings): Comparison {
  const last = `/part${count - 1}/orders/1`;
  const contenders = [
    { what: 'last rule decides: groups', rules: simple(count), path: last, allow: true },
    { what: 'last rule decides, all rules below one folder', rules: below(count), path: `/api${last}`, allow: true },
    { what: 'no rule fits', rules: simple(count), path: '/elsewhere/orders/1', allow: false },
    { what: 'last rule decides: every kind of condition', rules: rich(count), path: last, allow: true },
  ].map((contender) => ({ ...contender, policy: compilePolicy(contender.rules), costs: [] as number[] }));
  const batch = quick ? 5_000 : 20_000;
  for (let round = 0; round <= rounds; round++)
    for (const { policy, path, allow, costs } of contenders) {
      const before = process.cpuUsage();
      for (let i = 0; i < batch; i++)
        if (decide(policy, subject, 'GET', path, here).allow !== allow)
          throw new Error('Cannot measure: wrong decision');
      const { user, system } = process.cpuUsage(before);
      if (round > 0) costs.push((user + system) / batch); // the first round warms up
    }
  say(`${count} rules: ${contenders.map(({ costs }) => sampleOf(costs).median.toFixed(2)).join(', ')} µs`);
  return {
    title: `A decision: ${count} rules`,
    unit: 'CPU µs per decision',
    figures: contenders.map(({ what, costs }) => ({ what, cost: sampleOf(costs) })),
    remarks: [
      `${batch} decisions in each round; one path, one person in 50 groups; garbage collection is in the figure.`,
    ],
  };
}
