import type { UsageLedger, UsageRecord } from '../ports/usage.ts';
import type { Metrics } from './metrics.ts';

export interface UsageNotesParts {
  readonly ledger: Pick<UsageLedger, 'record'>;
  readonly metrics: Pick<Metrics, 'modelRequests' | 'modelTokens' | 'firstToken'>;
  /** Models with a label of their own: names from the configuration, never from a request. */
  readonly models: readonly string[];
}

/** Notes each request once, in the store and in the metrics. */
export class UsageNotes {
  readonly #parts: UsageNotesParts;
  readonly #models: ReadonlySet<string>;

  constructor(parts: UsageNotesParts) {
    this.#parts = parts;
    this.#models = new Set(parts.models);
  }

  /** `keep: false`: in the metrics alone. */
  note(record: UsageRecord, { keep = true } = {}): void {
    const { ledger, metrics } = this.#parts;
    if (keep) ledger.record(record);
    const { app, tokensIn, tokensOut, firstTokenMs } = record;
    const labels = { app, tier: record.tier ?? 'none', model: this.#label(record.model) };
    metrics.modelRequests.inc({ ...labels, result: resultOf(record) });
    if (tokensIn !== undefined) metrics.modelTokens.inc({ ...labels, direction: 'in' }, tokensIn);
    if (tokensOut !== undefined) metrics.modelTokens.inc({ ...labels, direction: 'out' }, tokensOut);
    if (firstTokenMs !== undefined) metrics.firstToken.observe({ app }, firstTokenMs / 1_000);
  }

  #label(model: string | undefined): string {
    if (model === undefined) return 'none';
    return this.#models.has(model) ? model : 'other';
  }
}

/** As the sums of the store have it. */
function resultOf({ refusal, status }: UsageRecord): 'refused' | 'failed' | 'ok' {
  if (refusal !== undefined) return 'refused';
  return status === undefined || status >= 400 ? 'failed' : 'ok';
}
