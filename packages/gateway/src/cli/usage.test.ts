import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { UsageRecord } from '../ports/usage.ts';
import { aRecord, sampleRecords } from '../stores/usage.contract.ts';
import { sqliteUsage } from '../stores/usage-sqlite.ts';
import { makePlace, type Ran, runIn } from './testing.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-usage-cli-'));
after(() => rmSync(root, { recursive: true }));
const now = (): number => Date.UTC(2026, 10, 24, 9, 30);

/** What the command says where a gateway has noted these records. */
async function run(records: readonly UsageRecord[], ...argv: readonly string[]): Promise<Ran> {
  const { folder, database } = makePlace(root);
  const store = sqliteUsage({ database, retainMs: 90 * 86_400_000, onTrouble: assert.fail });
  for (const record of records) store.record(record);
  await store.close();
  database.close();
  return runIn(folder, ['usage', ...argv], { now });
}

test('cardea usage prints a table by person', async () => {
  const { status, stdout } = await run(sampleRecords);
  assert.equal(status, 0);
  assert.equal(
    stdout,
    `Usage by person, 2026-10-25 09:30Z to 2026-11-24 09:30Z

PERSON      REQUESTS  REFUSED  FAILED  TOKENS IN  TOKENS OUT  TTFT P50  TTFT P95
CORP\\alice  3         0        0       ~120       ~60         0.10 s    0.30 s
(none)      1         0        1       10         5           -         -
CORP\\bob    4         3        1       1          1           0.20 s    0.20 s
TOTAL       8         3        2       ~131       ~66         0.10 s    0.30 s

~ the backend has not told the tokens of 1 of the requests: estimated.
Refused: requests-per-minute 2, model-not-allowed 1.
`,
  );
});

test('cardea usage says how it counts groups', async () => {
  assert.match((await run(sampleRecords, '--by', 'group')).stdout, /A request counts for each of its groups/);
});

test('cardea usage says that nothing was used', async () => {
  const { status, stdout, stderr } = await run([], '--app', 'dask');
  assert.match(stdout, /^Usage of dask by person.*\n\nNothing was used\.\n$/);
  assert.deepEqual([status, stderr], [0, 'cardea usage: no app of that name is configured\n']);
});

test('cardea usage prints JSON', async () => {
  const { stdout } = await run(sampleRecords, '--json', '--by', 'tier', '--app', 'llm', '--since', '2026-11-22');
  const { rows, total, ...about } = JSON.parse(stdout);
  assert.deepEqual(about, {
    by: 'tier',
    since: '2026-11-22T00:00:00.000Z',
    until: '2026-11-24T09:30:00.001Z',
    app: 'llm',
    leftOut: 0,
  });
  assert.deepEqual(
    rows.map(({ key }: { key: unknown }) => key),
    ['default', null],
  );
  assert.deepEqual(Object.keys(total), Object.keys(rows[0]).slice(1));
  assert.equal(total.requests, 7);
});

test('cardea usage prints CSV that no spreadsheet takes for a formula', async () => {
  const { stdout } = await run([aRecord({ model: '=cmd("x"),1' })], '--csv', '--by', 'model');
  assert.equal(
    stdout,
    'model,requests,refused,failed,tokens_in,tokens_out,estimated,first_token_p50_ms,first_token_p95_ms,duration_ms,bytes_in,bytes_out\r\n' +
      `"'=cmd(""x""),1",1,0,0,10,5,0,100,100,1000,300,2000\r\n`,
  );
});

test('cardea usage writes nothing to a terminal but text', async () => {
  const { stdout } = await run([aRecord({ model: 'a\u001b[2Jb' })], '--by', 'model');
  assert.match(stdout, /a\?\[2Jb/);
});

for (const [what, argv, requests] of [
  ['a day, from its beginning', ['--since', '2026-11-23'], 1],
  ['a day, to its end', ['--until', '2026-11-22'], 7],
  ['a moment', ['--since', '2026-11-23T01:00:00+01:00'], 1],
  ['how long ago', ['--since', '34h'], 1],
] as const)
  test(`cardea usage takes for a time ${what}`, async () => {
    const { stdout } = await run(sampleRecords, '--json', ...argv);
    assert.equal(JSON.parse(stdout).total.requests, requests);
  });

for (const [what, argv, message] of [
  ['something else to sum by', ['--by', 'colour'], /say by what: person, group, model, app, day, tier/],
  ['a time that is none', ['--since', 'yesterday'], /since: write a day/],
  ['a time without its offset', ['--until', '2026-11-22T08:00:00'], /until: write a day/],
  ['a day that there is not', ['--since', '2026-13-01'], /there is no day 2026-13-01/],
  ['an end before the beginning', ['--since', '2026-11-22', '--until', '2026-11-21'], /since is not before until/],
  ['two forms', ['--json', '--csv'], /one of --json and --csv/],
] as const)
  test(`cardea usage refuses ${what}`, async () => {
    const { status, stderr } = await run([], ...argv);
    assert.equal(status, 2);
    assert.match(stderr, message);
  });
