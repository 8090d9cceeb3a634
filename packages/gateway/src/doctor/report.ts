/**
 * What doctor found: for people, for programs, and for Prometheus.
 *
 * @module
 */
import type { Check, Finding, Side, Verdict } from './check.ts';

/** How many of each kind. */
export function countsOf(findings: readonly Finding[]): Readonly<Record<Verdict, number>> {
  const count = (verdict: Verdict): number => findings.filter((one) => one.verdict === verdict).length;
  return { pass: count('pass'), fail: count('fail'), unknown: count('unknown') };
}

/** 0: everything has passed; 1: something is wrong; 3: nothing is known to be wrong, and not everything is known. */
export function exitStatusOf(findings: readonly Finding[]): 0 | 1 | 3 {
  const { fail, unknown } = countsOf(findings);
  return fail > 0 ? 1 : unknown > 0 || findings.length === 0 ? 3 : 0;
}

const marks: Readonly<Record<Verdict, string>> = { pass: 'pass   ', fail: 'FAIL   ', unknown: 'unknown' };

/** What is wrong first in each check, and a line with the sum. */
export function textReport(findings: readonly Finding[], checks: readonly Check[]): string {
  const blocks = checks.flatMap(({ title, finds }) => {
    const own = findings.filter(({ id }) => Object.hasOwn(finds, id));
    return own.length === 0 ? [] : [`${title}\n${own.map(lineOf).join('')}\n`];
  });
  const { pass, fail, unknown } = countsOf(findings);
  if (findings.length === 0) return 'Nothing was tried: this configuration has nothing to try from here\n';
  return `${blocks.join('')}${pass} passed, ${fail} failed, ${unknown} unknown\n`;
}

function lineOf({ id, verdict, about, tried, seen, todo }: Finding): string {
  const head = `  ${marks[verdict]}  ${id}  ${printable(about)}\n             tried: ${printable(tried)}\n             seen:  ${printable(seen)}\n`;
  return todo === undefined ? head : `${head}             to do: ${printable(todo)}\n`;
}

/** What others have written must not write to an administrator's terminal. */
const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');

/** The same as JSON, with a line break. */
export function jsonReport(findings: readonly Finding[], side: Side, now: number): string {
  const report = { at: new Date(now).toISOString(), from: side, counts: countsOf(findings), findings };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** For the textfile collector of Prometheus' node exporter. Names and addresses are not in it: they could be many. */
export function prometheusReport(
  findings: readonly Finding[],
  checks: readonly Check[],
  { side, now, durationMs }: { readonly side: Side; readonly now: number; readonly durationMs: number },
): string {
  const ids = checks.filter(({ sides }) => sides.includes(side)).flatMap(({ finds }) => Object.keys(finds));
  const rows = ids.flatMap((id) =>
    (['fail', 'pass', 'unknown'] as const).map((verdict) => {
      const count = findings.filter((one) => one.id === id && one.verdict === verdict).length;
      return `cardea_doctor_findings{from="${side}",id="${id}",verdict="${verdict}"} ${count}\n`;
    }),
  );
  return [
    '# HELP cardea_doctor_findings What cardea doctor found, by id and verdict.\n# TYPE cardea_doctor_findings gauge\n',
    ...rows,
    '# HELP cardea_doctor_last_run_timestamp_seconds When it ended.\n# TYPE cardea_doctor_last_run_timestamp_seconds gauge\n',
    `cardea_doctor_last_run_timestamp_seconds{from="${side}"} ${(now / 1_000).toFixed(3)}\n`,
    '# HELP cardea_doctor_duration_seconds How long it took.\n# TYPE cardea_doctor_duration_seconds gauge\n',
    `cardea_doctor_duration_seconds{from="${side}"} ${(durationMs / 1_000).toFixed(3)}\n`,
  ].join('');
}
