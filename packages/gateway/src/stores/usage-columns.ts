import type { UsageRecord } from '../ports/usage.ts';

/** A record as columns. What a store could refuse to take is changed: one record that cannot be written would hold up all that follow. */
export interface UsageColumns {
  readonly request_id: string;
  readonly time: number;
  readonly app: string;
  readonly account: string | null;
  readonly subject: string | null;
  readonly tier_groups: readonly string[];
  readonly tier: string | null;
  readonly model: string | null;
  readonly api_key: string | null;
  readonly status: number | null;
  readonly refusal: string | null;
  readonly tokens_in: number | null;
  readonly tokens_out: number | null;
  readonly estimated: number;
  readonly first_token_ms: number | null;
  readonly duration_ms: number | null;
  readonly bytes_in: number | null;
  readonly bytes_out: number | null;
}

/** The columns in their order in the table. */
export const usageColumnNames = [
  'request_id',
  'time',
  'app',
  'account',
  'subject',
  'tier_groups',
  'tier',
  'model',
  'api_key',
  'status',
  'refusal',
  'tokens_in',
  'tokens_out',
  'estimated',
  'first_token_ms',
  'duration_ms',
  'bytes_in',
  'bytes_out',
] as const satisfies readonly (keyof UsageColumns)[];

/** Makes columns of a record. */
export function usageColumns(record: UsageRecord): UsageColumns {
  return {
    request_id: text(record.requestId),
    time: Math.round(record.time),
    app: text(record.app),
    account: textOrNull(record.account),
    subject: textOrNull(record.subject),
    tier_groups: record.groups.map(text),
    tier: textOrNull(record.tier),
    model: textOrNull(record.model),
    api_key: textOrNull(record.apiKey),
    status: whole(record.status),
    refusal: textOrNull(record.refusal),
    tokens_in: whole(record.tokensIn),
    tokens_out: whole(record.tokensOut),
    estimated: record.estimated ? 1 : 0,
    first_token_ms: whole(record.firstTokenMs),
    duration_ms: whole(record.durationMs),
    bytes_in: whole(record.bytesIn),
    bytes_out: whole(record.bytesOut),
  };
}

const longestText = 512;

/** No NUL, which PostgreSQL has no place for; no half of a pair of surrogates, which has no bytes. */
const text = (value: string): string => value.slice(0, longestText).toWellFormed().replaceAll('\0', '\uFFFD');
const textOrNull = (value: string | undefined): string | null => (value === undefined ? null : text(value));

/** So that a sum of very many is still a number that a database can hold. */
const largest = 2 ** 40;

const whole = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : Math.round(Math.min(largest, Math.max(0, value)));
