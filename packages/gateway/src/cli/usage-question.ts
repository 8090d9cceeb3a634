/**
 * The question of `cardea usage` and of `GET /api/usage`, and its answer as data: one reading and one form for both.
 *
 * @module
 */
import { parseMoment } from '../config/sections/expectations.ts';
import { parseDuration } from '../config/values/duration.ts';
import {
  type UsageAnswer,
  type UsageDimension,
  usageDimensions,
  type UsageQuestion,
  type UsageRow,
  type UsageSum,
} from '../ports/usage.ts';

/** What a question is made of, by the names of the command's options. */
export const usageQuestionNames = ['by', 'since', 'until', 'app'] as const;

const usualSince = '30d';
const dayMs = 86_400_000;

/** Reads a question. Without more it is: by person, of the last 30 days. A string says what is not understood. */
export function readUsageQuestion(
  text: (name: (typeof usageQuestionNames)[number]) => string | undefined,
  now: number,
): UsageQuestion | string {
  const by = text('by') ?? 'person';
  if (!isDimension(by)) return `say by what: ${usageDimensions.join(', ')}`;
  const since = instant(text('since') ?? usualSince, now, 0);
  if (typeof since === 'string') return `since: ${since}`;
  const written = text('until');
  // Until a day means: with that day. Until now means: with what comes in this millisecond.
  const until = written === undefined ? now + 1 : instant(written, now, dayMs);
  if (typeof until === 'string') return `until: ${until}`;
  if (since >= until) return 'since is not before until';
  // It may be one that is not configured any more.
  return { by, since, until, app: text('app') };
}

/** A moment, a day (of which `ofDay` says the beginning or the end), or a length of time ago. */
function instant(text: string, now: number, ofDay: number): number | string {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : undefined;
  if (day !== undefined) return Number.isNaN(day) ? `there is no day ${text}` : day + ofDay;
  const ago = parseDuration(text, { min: '1s', max: '36500d' });
  if (ago.kind === 'ok') return now - ago.value;
  const moment = parseMoment(text);
  return moment.kind === 'ok'
    ? moment.value
    : 'write a day (2026-11-22, of UTC), a moment (2026-11-22T08:30:00Z) or how long ago (12h, 7d)';
}

const isDimension = (text: string): text is UsageDimension => usageDimensions.some((one) => one === text);

/** The answer as JSON has it. */
export const usageData = (question: UsageQuestion, { rows, leftOut, total }: UsageAnswer): object => ({
  by: question.by,
  since: new Date(question.since).toISOString(),
  until: new Date(question.until).toISOString(),
  app: question.app ?? null,
  rows: rows.map((row) => ({ key: row.key ?? null, ...sumData(row) })),
  leftOut,
  total: sumData(total),
});

function sumData(sum: UsageSum | UsageRow): object {
  const { requests, refused, failed, refusals, tokensIn, tokensOut, estimated, durationMs, bytesIn, bytesOut } = sum;
  return {
    requests,
    refused,
    refusals,
    failed,
    tokensIn,
    tokensOut,
    estimated,
    firstTokenP50Ms: sum.firstTokenP50Ms ?? null,
    firstTokenP95Ms: sum.firstTokenP95Ms ?? null,
    durationMs,
    bytesIn,
    bytesOut,
  };
}
