/**
 * `npm run bench`: what Cardea costs, beside its peers, measured in the same run.
 *
 *     npm run bench                       everything; about twenty minutes
 *     npm run bench -- --quick            rough figures; about four minutes
 *     npm run bench -- accept session     some parts (--help lists them)
 *     npm run bench -- --json             for programs
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { describeMachine, formatMachine } from './machine.ts';
import { acceptPart } from './part-accept.ts';
import { bodiesPart } from './part-bodies.ts';
import { etypesPart } from './part-etypes.ts';
import { forwardAuthPart } from './part-forward-auth.ts';
import { latencyPart } from './part-latency.ts';
import { llmPart } from './part-llm.ts';
import { memoryPart } from './part-memory.ts';
import { policyPart } from './part-policy.ts';
import { messagesPart, streamsPart } from './part-relays.ts';
import { sessionPart } from './part-session.ts';
import { signOnPart } from './part-sign-on.ts';
import { threadsPart } from './part-threads.ts';
import { tlsPart } from './part-tls.ts';
import { tokenPart } from './part-token.ts';
import { type Comparison, formatComparison } from './report.ts';
import { type Part, runPart } from './surroundings.ts';

const parts: readonly Part[] = [
  acceptPart,
  etypesPart,
  signOnPart,
  tokenPart,
  sessionPart,
  forwardAuthPart,
  llmPart,
  latencyPart,
  threadsPart,
  tlsPart,
  bodiesPart,
  streamsPart,
  messagesPart,
  memoryPart,
  policyPart,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, help: { type: 'boolean' } },
});
const unknown = positionals.filter((name) => !parts.some((part) => part.name === name));
if (values.help === true || unknown.length > 0) {
  for (const name of unknown) console.error(`There is no part "${name}".`);
  console.error('Usage: npm run bench -- [--quick] [--json] [PART ...]');
  for (const { name, summary } of parts) console.error(`  ${name.padEnd(12)}${summary}`);
  process.exit(unknown.length > 0 ? 2 : 0);
}
if (process.platform !== 'linux') {
  console.error('The benchmarks read CPU times from /proc: they need Linux.');
  process.exit(2);
}

const json = values.json === true;
const quick = values.quick === true;
const say = (line: string): void => console.error(`[bench] ${line}`);
// Whatever hangs: no benchmark outlives this.
const stopping = new AbortController();
setTimeout(() => stopping.abort(new Error('The benchmarks took longer than 30 minutes')), 30 * 60_000).unref();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stopping.abort(new Error(`Stopped by ${signal}`)));

const machine = describeMachine(new Date());
if (!json) console.log(formatMachine(machine));
const comparisons: (Comparison & { readonly part: string })[] = [];
const skipped: { readonly part: string; readonly missing: readonly string[] }[] = [];
const failed: string[] = [];
for (const part of parts) {
  if (stopping.signal.aborted) break;
  if (positionals.length > 0 && !positionals.includes(part.name)) continue;
  const missing = part.missing();
  if (missing.length > 0) {
    skipped.push({ part: part.name, missing });
    continue;
  }
  say(part.summary);
  try {
    const startedAt = performance.now();
    const found = await runPart(part, { quick, rounds: quick ? 1 : 5, say, signal: stopping.signal });
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    say(`${part.name}: ${seconds} s`);
    for (const comparison of found) {
      comparisons.push({ part: part.name, ...comparison });
      if (!json) console.log(`\n${formatComparison(comparison)}`);
    }
  } catch (error) {
    failed.push(part.name);
    console.error(error instanceof Error ? error.message : error);
  }
}
if (json) console.log(JSON.stringify({ machine, comparisons, skipped, failed }, undefined, 2));
else for (const { part, missing } of skipped) console.log(`Skipped ${part}, which needs ${missing.join(', ')}`);
// A part that was stopped may still wait for something; what it has started ends with this process.
if (stopping.signal.aborted) process.exit(1);
process.exitCode = failed.length > 0 ? 1 : 0;
