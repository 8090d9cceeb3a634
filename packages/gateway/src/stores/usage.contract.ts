import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { UsageDimension, UsageQuestion, UsageRecord, UsageStore } from '../ports/usage.ts';

/** A store, and the same one opened again: what was written is still there. */
export interface OpenedUsage {
  readonly store: UsageStore;
  readonly reopen: () => UsageStore | Promise<UsageStore>;
}

const day = 86_400_000;
const start = Date.UTC(2026, 10, 22);

/** A request of Alice's that went well. */
export const aRecord = (change: Partial<UsageRecord> = {}): UsageRecord => ({
  requestId: crypto.randomUUID(),
  time: start,
  app: 'llm',
  account: 'CORP\\alice',
  subject: 'S-1-5-21-1-2-3-1104',
  groups: ['llm-users'],
  tier: 'default',
  model: 'gpt-x',
  apiKey: undefined,
  status: 200,
  refusal: undefined,
  tokensIn: 10,
  tokensOut: 5,
  estimated: false,
  firstTokenMs: 100,
  durationMs: 1_000,
  bytesIn: 300,
  bytesOut: 2_000,
  ...change,
});

const bob = { account: 'CORP\\bob', subject: 'S-1-5-21-1-2-3-1105' };
const refused = {
  status: 429,
  tokensIn: undefined,
  tokensOut: undefined,
  firstTokenMs: undefined,
  durationMs: 1,
  bytesOut: 100,
};

/** Two people, two models, two days, and refusals. */
export const sampleRecords: readonly UsageRecord[] = [
  aRecord(),
  aRecord({ model: 'gpt-y', tokensIn: 100, tokensOut: 50, estimated: true, firstTokenMs: 300 }),
  aRecord({ time: start + day, groups: ['llm-users', 'llm-pro'], tier: 'pro', app: 'chat' }),
  aRecord({ ...bob, tokensIn: 1, tokensOut: 1, firstTokenMs: 200, status: 500 }),
  aRecord({ ...bob, ...refused, refusal: 'requests-per-minute' }),
  aRecord({ ...bob, ...refused, refusal: 'requests-per-minute' }),
  aRecord({ ...bob, ...refused, refusal: 'model-not-allowed', status: 403, model: undefined }),
  aRecord({
    account: undefined,
    subject: undefined,
    groups: [],
    tier: undefined,
    status: undefined,
    firstTokenMs: undefined,
  }),
];

const all = { since: start, until: start + 30 * day, app: undefined } as const;

/** What every store must do. `open` gives a fresh one that keeps records for 90 days. */
export function usageContract(name: string, open: () => OpenedUsage | Promise<OpenedUsage>): void {
  /** Asks a store that has these records. */
  async function asked(records: readonly UsageRecord[], question: UsageQuestion) {
    const { store, reopen } = await open();
    for (const record of records) store.record(record);
    await store.close();
    const again = await reopen();
    try {
      return await again.query(question);
    } finally {
      await again.close();
    }
  }

  suite(`${name} usage`, () => {
    for (const [by, expected] of [
      [
        'person',
        [
          ['CORP\\alice', 3, 180],
          [undefined, 1, 15],
          ['CORP\\bob', 4, 2],
        ],
      ],
      [
        'group',
        [
          ['llm-users', 7, 182],
          ['llm-pro', 1, 15],
          [undefined, 1, 15],
        ],
      ],
      [
        'model',
        [
          ['gpt-y', 1, 150],
          ['gpt-x', 6, 47],
          [undefined, 1, 0],
        ],
      ],
      [
        'app',
        [
          ['llm', 7, 182],
          ['chat', 1, 15],
        ],
      ],
      [
        'tier',
        [
          ['default', 6, 167],
          ['pro', 1, 15],
          [undefined, 1, 15],
        ],
      ],
      [
        'day',
        [
          ['2026-11-22', 7, 182],
          ['2026-11-23', 1, 15],
        ],
      ],
    ] satisfies readonly (readonly [UsageDimension, readonly unknown[]])[])
      test(`query() sums by ${by}`, async () => {
        const { rows, leftOut } = await asked(sampleRecords, { ...all, by });
        const found = rows.map(({ key, requests, tokensIn, tokensOut }) => [key, requests, tokensIn + tokensOut]);
        // Rows that weigh the same come in any order.
        const sorted = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).toSorted();
        assert.deepEqual(sorted(found), sorted(expected));
        assert.deepEqual(found[0], expected[0]);
        assert.equal(leftOut, 0);
      });

    test('query() gives the total of all records, each once', async () => {
      const { total } = await asked(sampleRecords, { ...all, by: 'group' });
      assert.deepEqual(total, {
        requests: 8,
        refused: 3,
        failed: 2,
        tokensIn: 131,
        tokensOut: 66,
        estimated: 1,
        firstTokenP50Ms: 100,
        firstTokenP95Ms: 300,
        durationMs: 5_003,
        bytesIn: 2_400,
        bytesOut: 10_300,
        refusals: { 'requests-per-minute': 2, 'model-not-allowed': 1 },
      });
    });

    test('query() says of each row what was refused, and why', async () => {
      const { rows } = await asked(sampleRecords, { ...all, by: 'person' });
      const found = rows.find(({ key }) => key === 'CORP\\bob');
      assert.deepEqual(found?.refusals, { 'requests-per-minute': 2, 'model-not-allowed': 1 });
      assert.deepEqual([found?.refused, found?.failed], [3, 1]);
    });

    test('query() takes the median and the 95th percentile by nearest rank', async () => {
      const records = Array.from({ length: 40 }, (_, i) => aRecord({ firstTokenMs: 40 - i }));
      const { rows } = await asked(records, { ...all, by: 'model' });
      assert.deepEqual([rows[0]?.firstTokenP50Ms, rows[0]?.firstTokenP95Ms], [20, 38]);
    });

    test('query() knows no percentile where nobody has waited for a first token', async () => {
      const { rows } = await asked([aRecord({ firstTokenMs: undefined })], { ...all, by: 'app' });
      assert.deepEqual([rows[0]?.firstTokenP50Ms, rows[0]?.firstTokenP95Ms], [undefined, undefined]);
    });

    test('query() looks from the first millisecond up to the last one, which does not count', async () => {
      const records = [-1, 0, 999, 1_000].map((offset) => aRecord({ time: start + offset }));
      const { total } = await asked(records, { ...all, by: 'app', until: start + 1_000 });
      assert.equal(total.requests, 2);
    });

    test('query() looks at one app alone', async () => {
      const { rows, total } = await asked(sampleRecords, { ...all, by: 'person', app: 'chat' });
      assert.deepEqual([rows.map(({ key }) => key), total.requests], [['CORP\\alice'], 1]);
    });

    test('query() leaves out the smallest rows where there are more than wanted, and counts them', async () => {
      const records = Array.from({ length: 5 }, (_, i) => aRecord({ model: `m${i}`, tokensIn: i }));
      const { rows, leftOut, total } = await asked(records, { ...all, by: 'model', limit: 2 });
      assert.deepEqual([rows.map(({ key }) => key), leftOut, total.requests], [['m4', 'm3'], 3, 5]);
    });

    test('query() gives days in their order', async () => {
      const records = [3, 1, 2].map((n) => aRecord({ time: start + n * day, tokensIn: n }));
      const { rows } = await asked(records, { ...all, by: 'day' });
      assert.deepEqual(
        rows.map(({ key }) => key),
        ['2026-11-23', '2026-11-24', '2026-11-25'],
      );
    });

    test('query() answers about nothing', async () => {
      const { rows, total } = await asked([], { ...all, by: 'person' });
      assert.deepEqual([rows, total.requests, total.tokensIn, total.refusals], [[], 0, 0, {}]);
    });

    test('record() keeps what somebody has named oddly', async () => {
      const model = `x'; DROP TABLE usage; -- "陳" 😀`;
      const records = [aRecord({ model }), aRecord({ model: 'a\0b\uD800', groups: ['a,b', '"c"'] })];
      const { rows } = await asked(records, { ...all, by: 'model' });
      assert.deepEqual(rows.map(({ key }) => String(key)).toSorted(), ['a\uFFFDb\uFFFD', model]);
      assert.deepEqual((await asked(records, { ...all, by: 'group' })).rows.map(({ key }) => String(key)).toSorted(), [
        '"c"',
        'a,b',
        'llm-users',
      ]);
    });

    test('record() takes numbers that are none', async () => {
      const odd = { tokensIn: Number.NaN, tokensOut: -1, durationMs: 1.5, bytesOut: Number.POSITIVE_INFINITY };
      const { total } = await asked([aRecord(odd)], { ...all, by: 'app' });
      assert.deepEqual([total.tokensIn, total.tokensOut, total.durationMs, total.bytesOut], [0, 0, 2, 0]);
    });

    test('record() forgets what is older than it is to keep, when newer ones come', async () => {
      const records = [aRecord({ time: start - 91 * day }), aRecord({ time: start - 89 * day }), aRecord()];
      const { total } = await asked(records, { ...all, by: 'app', since: 0 });
      assert.equal(total.requests, 2);
    });

    test('close() has written a thousand records that came at once', async () => {
      const records = Array.from({ length: 1_000 }, () => aRecord());
      assert.equal((await asked(records, { ...all, by: 'app' })).total.requests, 1_000);
    });
  });
}
