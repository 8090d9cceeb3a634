/** `GET /api/usage` on the admin listener: the answer of `cardea usage --json`, and who gets one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runIn } from '../src/cli/testing.ts';
import { sampleRecords } from '../src/stores/usage.contract.ts';
import { sqliteUsage } from '../src/stores/usage-sqlite.ts';
import { send, startTestGateway, type TestGateway } from './harness.ts';

const config = (upstream: string): string =>
  `apps: [{ name: llm, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, public: true }] }]\n`;
const span = 'since=2026-11-22&until=2026-11-23';

let gateway: TestGateway;

before(async () => {
  gateway = await startTestGateway({ config, threads: 1 });
  await fill(gateway);
});
after(() => gateway.close());

/** Writes the sample records beside the gateway, as its own ledger does. */
async function fill(filled: TestGateway): Promise<void> {
  const store = sqliteUsage({ database: filled.database(), retainMs: 90 * 86_400_000, onTrouble: assert.fail });
  for (const record of sampleRecords) store.record(record);
  await store.close();
}

const ask = (query: string, headers: Readonly<Record<string, string>> = {}, { admin } = gateway) =>
  send(`${admin}/api/usage?${query}`, { headers });

test('/api/usage gives the answer of cardea usage --json', async () => {
  for (const by of ['person', 'group', 'day']) {
    const { status, body, headers } = await ask(`by=${by}&app=llm&${span}`);
    assert.deepEqual([status, headers['cache-control']], [200, 'no-store']);
    const words = ['usage', '--json', '--by', by, '--app', 'llm', '--since', '2026-11-22', '--until', '2026-11-23'];
    assert.deepEqual(JSON.parse(body), JSON.parse((await runIn(gateway.folder, words)).stdout));
    assert.equal(JSON.parse(body).total.requests, 7);
  }
});

for (const [what, query, message] of [
  ['an unknown name', 'by=person&per=x', /A name is unknown. Known are: by, since, until, app/],
  ['a name that comes twice', 'by=person&by=app', /by occurs twice/],
  ['something else to sum by', 'by=colour', /say by what/],
  ['a time that is none', 'since=noon', /since: write/],
] as const)
  test(`/api/usage refuses ${what}, and says why`, async () => {
    const { status, body } = await ask(query);
    assert.equal(status, 400);
    assert.match(JSON.parse(body).message, message);
  });

for (const [who, headers] of [
  ['a page of another site', { Origin: 'https://evil.example' }],
  ['a page under a name that leads here', { Host: 'rebound.example:9464' }],
  ['a browser', { 'Sec-Fetch-Site': 'none' }],
  ['somebody behind a proxy on this machine', { 'X-Forwarded-For': '10.0.0.1' }],
  ['a wrong token', { Authorization: 'Bearer x' }],
] as const)
  test(`/api/usage answers nothing to ${who}`, async () => {
    const { status, body } = await ask(span, headers);
    assert.equal(status, 403);
    assert.doesNotMatch(body, /alice/);
  });

test('/api/usage takes GET only', async () => {
  assert.equal((await send(`${gateway.admin}/api/usage`, { method: 'POST' })).status, 405);
});

test('/api/usage asks everybody for the token that is configured', async () => {
  const adminToken = '${env:TOKEN}';
  const guarded = await startTestGateway({ config, adminToken, env: { TOKEN: 'a-long-enough-token' } });
  try {
    assert.equal((await ask(span, {}, guarded)).status, 403);
    const shown = { Authorization: 'Bearer a-long-enough-token', Host: 'cardea.corp.example' };
    assert.equal((await ask(span, shown, guarded)).status, 200);
  } finally {
    await guarded.close();
  }
});

test('/api/usage says that no usage is kept, and so does the command', async () => {
  const without = await startTestGateway({ config: (upstream) => `${config(upstream)}usage: false\n` });
  try {
    const { status, body } = await ask(span, {}, without);
    assert.deepEqual([status, JSON.parse(body).error], [404, 'not-kept']);
    const { status: exit, stderr } = await runIn(without.folder, ['usage']);
    assert.deepEqual([exit, stderr], [1, 'cardea usage: no usage is kept: usage is false in the configuration\n']);
  } finally {
    await without.close();
  }
});

test('a gateway goes on answering people while a question about usage is asked', async () => {
  const [usage, page] = await Promise.all([ask(span), send(`${gateway.origin}/`)]);
  assert.deepEqual([usage.status, page.status], [200, 200]);
});
