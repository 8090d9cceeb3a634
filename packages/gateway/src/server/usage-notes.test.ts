import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import type { UsageRecord } from '../ports/usage.ts';
import { aRecord } from '../stores/usage.contract.ts';
import { createMetrics } from './metrics.ts';
import { UsageNotes } from './usage-notes.ts';

/** The ledger, and the lines of the metrics, after these records. */
async function noted(records: readonly UsageRecord[]) {
  const registry = new Registry();
  const ledger: UsageRecord[] = [];
  const metrics = createMetrics(registry);
  const notes = new UsageNotes({ ledger: { record: (one) => void ledger.push(one) }, metrics, models: ['gpt-x'] });
  for (const record of records) notes.note(record);
  const text = await registry.metrics();
  return { ledger, lines: text.split('\n').filter((line) => /^cardea_(model|first_token)/.test(line)) };
}

test('UsageNotes writes each request down and counts its tokens', async () => {
  const record = aRecord({ firstTokenMs: 300 });
  const { ledger, lines } = await noted([record, record]);
  assert.deepEqual(ledger, [record, record]);
  for (const line of [
    'cardea_model_requests_total{app="llm",tier="default",model="gpt-x",result="ok"} 2',
    'cardea_model_tokens_total{app="llm",tier="default",model="gpt-x",direction="in"} 20',
    'cardea_model_tokens_total{app="llm",tier="default",model="gpt-x",direction="out"} 10',
    'cardea_first_token_seconds_sum{app="llm"} 0.6',
  ])
    assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join('\n')}`);
});

test('UsageNotes makes no label of what a client has named', async () => {
  const { lines } = await noted([aRecord({ model: 'made-up' }), aRecord({ model: undefined, tier: undefined })]);
  assert.ok(lines.includes('cardea_model_requests_total{app="llm",tier="default",model="other",result="ok"} 1'));
  assert.ok(lines.includes('cardea_model_requests_total{app="llm",tier="none",model="none",result="ok"} 1'));
  assert.doesNotMatch(lines.join('\n'), /made-up/);
});

test('UsageNotes tells refusals from failures', async () => {
  const { lines } = await noted([
    aRecord({ status: 429, refusal: 'concurrent', tokensIn: undefined, tokensOut: undefined, firstTokenMs: undefined }),
    aRecord({ status: 502 }),
    aRecord({ status: undefined }),
  ]);
  const results = lines.flatMap((line) => /result="(\w+)"} (\d)/.exec(line)?.slice(1).join(' ') ?? []);
  assert.deepEqual(results.toSorted(), ['failed 2', 'refused 1']);
});
