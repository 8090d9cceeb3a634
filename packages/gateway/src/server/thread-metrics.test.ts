import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gauge, Registry } from 'prom-client';
import { createMetrics, type Metrics, processRegistry, threadRegistry } from './metrics.ts';
import { ThreadMetrics } from './thread-metrics.ts';

const snapshot = ({ registry }: Metrics) => registry.getMetricsAsJSON();
const fresh = (): Metrics => createMetrics(new Registry());

/** The value of one line of the exposition. */
async function value(metrics: ThreadMetrics, line: string, own = new Registry()): Promise<number | undefined> {
  const { text } = await metrics.with(own);
  const found = text.split('\n').find((one) => one.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length + 1));
}

const requests = 'cardea_requests_total{app="a",outcome="complete"}';
const sockets = 'cardea_websockets{app="a"}';

test('ThreadMetrics adds up what the threads count, histograms as well', async () => {
  const all = new ThreadMetrics();
  for (const thread of [0, 1]) {
    const metrics = fresh();
    metrics.requests.inc({ app: 'a', outcome: 'complete' }, thread + 1);
    metrics.signInSeconds.observe({ method: 'negotiate' }, 0.002);
    all.note(thread, await snapshot(metrics));
  }
  assert.equal(await value(all, requests), 3);
  assert.equal(await value(all, 'cardea_sign_in_seconds_bucket{le="0.005",method="negotiate"}'), 2);
  assert.equal(await value(all, 'cardea_sign_in_seconds_count{method="negotiate"}'), 2);
});

test('ThreadMetrics counts on from what a dead thread has counted, and forgets what it had open', async () => {
  const all = new ThreadMetrics();
  for (let life = 0; life < 8; life++) {
    const metrics = fresh();
    metrics.requests.inc({ app: 'a', outcome: 'complete' });
    metrics.sockets.inc({ app: 'a' });
    all.note(0, await snapshot(metrics));
    assert.equal(await value(all, requests), life + 1);
    assert.equal(await value(all, sockets), 1);
    all.depart(0);
    assert.equal(await value(all, requests), life + 1);
  }
  assert.equal(await value(all, sockets), undefined);
});

test('ThreadMetrics takes the newest numbers of a thread, not their sum', async () => {
  const all = new ThreadMetrics();
  const metrics = fresh();
  for (let i = 0; i < 3; i++) {
    metrics.requests.inc({ app: 'a', outcome: 'complete' });
    all.note(0, await snapshot(metrics));
  }
  assert.equal(await value(all, requests), 3);
});

test('ThreadMetrics tells of the process once, and of each thread by its name', async () => {
  const all = new ThreadMetrics();
  for (const thread of [0, 1])
    all.note(thread, await createMetrics(threadRegistry(String(thread + 1))).registry.getMetricsAsJSON());
  const own = processRegistry();
  new Gauge({ name: 'cardea_threads', help: 'x', registers: [own] }).set(2);
  const { text } = await all.with(own);
  const lines = text.split('\n');
  const of = (name: string): number =>
    lines.filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`)).length;
  assert.equal(of('cardea_process_resident_memory_bytes'), 1);
  assert.equal(of('cardea_process_start_time_seconds'), 1);
  assert.equal(of('cardea_threads'), 1);
  assert.equal(of('cardea_nodejs_eventloop_lag_p99_seconds'), 3);
  assert.equal(of('cardea_nodejs_heap_size_used_bytes'), 3);
});
