/**
 * What people have used of the models (and of whatever else has limits): one record for each request, refused ones too, and
 * questions about many of them.
 *
 * @module
 */

/** One request. Nothing of what was asked or answered is in it. */
export interface UsageRecord {
  /** The request's id, as in the audit log. No two records have the same. */
  readonly requestId: string;
  /** When it came. Milliseconds since the epoch. */
  readonly time: number;
  readonly app: string;
  readonly account: string | undefined;
  readonly subject: string | undefined;
  /** The person's groups that decided about the tier; never all of them. */
  readonly groups: readonly string[];
  readonly tier: string | undefined;
  /** As the client named it. */
  readonly model: string | undefined;
  /** The id of the API key, if one was used. */
  readonly apiKey: string | undefined;
  /** What the client was answered; `undefined` when it went before there was an answer. */
  readonly status: number | undefined;
  /** Our own code, when the gateway refused it: `requests-per-minute`, `model-not-allowed`, ... */
  readonly refusal: string | undefined;
  readonly tokensIn: number | undefined;
  readonly tokensOut: number | undefined;
  /** The tokens were counted or guessed by us and not told by the backend. */
  readonly estimated: boolean;
  /** From the request's arrival to the first piece of a streamed answer. */
  readonly firstTokenMs: number | undefined;
  readonly durationMs: number | undefined;
  /** Of the request's body, and of the response's. */
  readonly bytesIn: number | undefined;
  readonly bytesOut: number | undefined;
}

/** What records can be summed by. A `day` is one of UTC. */
export const usageDimensions = ['person', 'group', 'model', 'app', 'day', 'tier'] as const;
export type UsageDimension = (typeof usageDimensions)[number];

export interface UsageQuestion {
  readonly by: UsageDimension;
  /** The first millisecond. */
  readonly since: number;
  /** The first millisecond that does not count any more. */
  readonly until: number;
  /** Of this app alone. */
  readonly app: string | undefined;
  /** Rows at most; default and maximum: 1,000. */
  readonly limit?: number;
}

/** The sum of some records. */
export interface UsageSum {
  readonly requests: number;
  /** How many of them the gateway refused. */
  readonly refused: number;
  /** How many were let through and answered with an error (status 400 and above), or not at all. */
  readonly failed: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** In how many of them the tokens are estimates. */
  readonly estimated: number;
  /** Of those that know it, by nearest rank. */
  readonly firstTokenP50Ms: number | undefined;
  readonly firstTokenP95Ms: number | undefined;
  /** The time that all of them took. */
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Refused requests by reason. */
  readonly refusals: Readonly<Record<string, number>>;
}

export interface UsageRow extends UsageSum {
  /** The person's account (or subject, without one), the group, model, app, tier, or day (`2026-11-22`). `undefined`: without any. */
  readonly key: string | undefined;
}

export interface UsageAnswer {
  /** Days in their order; others by tokens, most first, then by requests. By group, a record counts for each of its groups. */
  readonly rows: readonly UsageRow[];
  /** Rows that were left out for their number. */
  readonly leftOut: number;
  /** Of all records, each once. */
  readonly total: UsageSum;
}

/** Where records go. */
export interface UsageLedger {
  /** Returns at once; what is written to buffers by itself, within a bound. */
  record(record: UsageRecord): void;
  /** Writes what waits, then releases everything. */
  close(): Promise<void>;
}

export interface UsageStore extends UsageLedger {
  /** Knows what has been written, not what still waits. Throws `StoreUnavailable` when the store cannot be asked. */
  query(question: UsageQuestion): Promise<UsageAnswer>;
}

/** Rows of an answer at most. */
export const mostUsageRows = 1_000;
