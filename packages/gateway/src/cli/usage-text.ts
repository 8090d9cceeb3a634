import type { UsageAnswer, UsageQuestion, UsageSum } from '../ports/usage.ts';
import { minute, table } from './table.ts';

/** The answer as a table for people. */
export function usageTable(question: UsageQuestion, { rows, leftOut, total }: UsageAnswer): string {
  const { by, since, until, app } = question;
  const of = app === undefined ? '' : ` of ${app}`;
  const span = `Usage${of} by ${by}, ${minute(since)} to ${minute(until)}\n\n`;
  if (total.requests === 0) return `${span}Nothing was used.\n`;
  const head = [by.toUpperCase(), 'REQUESTS', 'REFUSED', 'FAILED', 'TOKENS IN', 'TOKENS OUT', 'TTFT P50', 'TTFT P95'];
  const lines = table(head, [...rows.map((row) => [row.key ?? '(none)', ...cells(row)]), ['TOTAL', ...cells(total)]]);
  const notes = [
    ...(leftOut > 0 ? [`${leftOut} further rows are left out.`] : []),
    ...(by === 'group' ? ['A request counts for each of its groups, and once in the total.'] : []),
    ...(total.estimated > 0
      ? [`~ the backend has not told the tokens of ${total.estimated} of the requests: estimated.`]
      : []),
    ...refusalNotes(total),
  ];
  return `${span}${lines}${notes.length === 0 ? '' : `\n${notes.join('\n')}\n`}`;
}

function cells(sum: UsageSum): readonly string[] {
  const about = sum.estimated > 0 ? '~' : '';
  return [
    String(sum.requests),
    String(sum.refused),
    String(sum.failed),
    `${about}${sum.tokensIn}`,
    `${about}${sum.tokensOut}`,
    seconds(sum.firstTokenP50Ms),
    seconds(sum.firstTokenP95Ms),
  ];
}

const seconds = (ms: number | undefined): string => (ms === undefined ? '-' : `${(ms / 1_000).toFixed(2)} s`);

function refusalNotes({ refusals }: UsageSum): readonly string[] {
  const reasons = Object.entries(refusals).toSorted(([, a], [, b]) => b - a);
  return reasons.length === 0 ? [] : [`Refused: ${reasons.map(([name, count]) => `${name} ${count}`).join(', ')}.`];
}

/** The answer as CSV (RFC 4180), without the total. */
export function usageCsv(question: UsageQuestion, { rows }: UsageAnswer): string {
  const head = [
    question.by,
    'requests',
    'refused',
    'failed',
    'tokens_in',
    'tokens_out',
    'estimated',
    'first_token_p50_ms',
    'first_token_p95_ms',
    'duration_ms',
    'bytes_in',
    'bytes_out',
  ];
  const lines = rows.map((row) => [
    textCell(row.key ?? ''),
    ...[
      row.requests,
      row.refused,
      row.failed,
      row.tokensIn,
      row.tokensOut,
      row.estimated,
      row.firstTokenP50Ms ?? '',
      row.firstTokenP95Ms ?? '',
      row.durationMs,
      row.bytesIn,
      row.bytesOut,
    ].map(String),
  ]);
  return [head, ...lines].map((line) => `${line.join(',')}\r\n`).join('');
}

/** What a client has named must not become a formula in somebody's spreadsheet. */
function textCell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
