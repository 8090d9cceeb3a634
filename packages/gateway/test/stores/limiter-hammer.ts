/**
 * Three processes that share a Redis ask for more than their limits allow, while Redis is
 * restarted empty and one of them is killed. What they were granted is judged by the one clock of the machine.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../redis.ts';
import { openRedis } from '../../src/stores/redis.ts';

export interface HammerOptions {
  /** The length of the minute, which is also how long it is hammered. */
  readonly minuteMs: number;
  readonly requestsPerMinute: number;
  readonly concurrent: number;
  readonly leaseMs: number;
}

/** What a process is told. */
export interface HammerOrders extends HammerOptions {
  readonly url: string;
  readonly prefix: string;
  readonly settleMs: number;
}

/** What a process tells: times of `process.hrtime`, in milliseconds. */
export type HammerReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'granted'; readonly at: number }
  | { readonly kind: 'begun' | 'ended'; readonly lease: string; readonly at: number }
  | { readonly kind: 'failed'; readonly what: string };

/** Milliseconds by a clock that all processes of the machine share. */
export const machineTime = (): number => Number(process.hrtime.bigint()) / 1e6;

const prefix = 'hammer';

/** Hammers, and fails where a limit did not hold, or was not used. */
export async function hammer(options: HammerOptions): Promise<void> {
  const { minuteMs, requestsPerMinute, concurrent, leaseMs } = options;
  const server = await startRedis();
  const orders: HammerOrders = { ...options, url: server.url, prefix, settleMs: 600 };
  const grants: number[] = [];
  const failures: string[] = [];
  /** Begin and end of what has been in progress, by lease. */
  const work = new Map<string, { readonly child: number; readonly from: number; to: number }>();
  const ready = Promise.withResolvers<void>();
  let waitingFor = 3;
  const children = [0, 1, 2].map((child) => {
    const started = fork(fileURLToPath(new URL('./limiter-hammer-process.ts', import.meta.url)), [
      JSON.stringify(orders),
    ]);
    started.on('message', (report: HammerReport) => {
      if (report.kind === 'ready' && --waitingFor === 0) ready.resolve();
      if (report.kind === 'granted') grants.push(report.at);
      if (report.kind === 'failed') failures.push(report.what);
      if (report.kind === 'begun') work.set(report.lease, { child, from: report.at, to: Number.POSITIVE_INFINITY });
      const done = report.kind === 'ended' ? work.get(report.lease) : undefined;
      if (report.kind === 'ended' && done !== undefined) done.to = report.at;
    });
    started.once('exit', (code) => code !== null && code !== 0 && ready.reject(new Error(`A process ended: ${code}`)));
    return started;
  });
  try {
    await ready.promise;
    for (const child of children) child.send('go');
    await delay(minuteMs * 0.3);
    await server.kill();
    await delay(200);
    await server.start();
    await delay(minuteMs * 0.3);
    const [first] = children;
    const killedAt = machineTime();
    await ended(first, 'SIGKILL');
    for (const one of work.values()) if (one.child === 0) one.to = Math.min(one.to, killedAt);
    const begin = Math.min(...grants);
    await delay(Math.max(0, begin + minuteMs + Math.min(minuteMs * 0.15, 2_000) - machineTime()));
    await Promise.all(children.slice(1).map((child) => ended(child, 'SIGTERM')));

    assert.deepEqual(failures, []);
    grants.sort((a, b) => a - b);
    const inFirst = grants.filter((at) => at < begin + minuteMs).length;
    assert.ok(
      Math.abs(inFirst - requestsPerMinute) <= requestsPerMinute / 100,
      `${inFirst} requests in the first minute`,
    );
    for (const from of grants) {
      const within = grants.filter((at) => at >= from && at < from + minuteMs).length;
      assert.ok(within <= requestsPerMinute * 1.01, `${within} requests within a minute`);
    }
    const most = highest([...work.values()]);
    assert.equal(most, concurrent, 'the most that was in progress at once');

    const redis = openRedis({
      url: server.url,
      prefix,
      timeoutMs: 2_000,
      onTrouble: assert.fail,
      onRecovery: () => {},
    });
    const leases = () => redis.run((client) => client.keys(`{${prefix}}:limit:*:c`));
    const until = Date.now() + leaseMs + 5_000;
    while ((await leases()).length > 0 && Date.now() < until) await delay(50);
    assert.deepEqual(await leases(), [], 'leases left in Redis');
    await redis.close();
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await server.close();
  }
}

async function ended(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  // What it has said is heard before it counts as ended.
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill(signal);
  await closed;
}

/** The most intervals that have a moment in common. */
function highest(intervals: readonly { readonly from: number; readonly to: number }[]): number {
  const changes = intervals.flatMap(({ from, to }) => [[from, 1] as const, [to, -1] as const]);
  changes.sort(([a, x], [b, y]) => a - b || x - y);
  let running = 0;
  let most = 0;
  for (const [, change] of changes) most = Math.max(most, (running += change));
  return most;
}
