/** One of the processes of `limiter-hammer.ts`: half of its workers ask for requests, the others for places. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { redisLimiter } from '../../src/stores/limiter-redis.ts';
import { redisLife } from '../../src/stores/redis-life.ts';
import { openRedis } from '../../src/stores/redis.ts';
import { type HammerOrders, type HammerReport, machineTime } from './limiter-hammer.ts';

const orders: HammerOrders = JSON.parse(process.argv[2] ?? '{}');
const tell = (report: HammerReport): void => void process.send?.(report);
const redis = openRedis({
  url: orders.url,
  prefix: orders.prefix,
  timeoutMs: 1_000,
  onTrouble: () => {},
  onRecovery: () => {},
});
const life = redisLife(redis, orders.settleMs);
const limiter = redisLimiter({
  redis,
  life,
  now: Date.now,
  minuteMs: orders.minuteMs,
  patienceMs: 20_000,
  onUnshared: () => tell({ kind: 'failed', what: 'limits are not shared' }),
  onShared: () => {},
});
const held = new Set<string>();

async function work(limits: object, hold: (lease: string) => Promise<void>): Promise<void> {
  for (;;) {
    const lease = randomUUID();
    const checks = [{ key: Object.keys(limits).join(), ...limits }];
    const answer = await limiter.acquire({ app: 'llm', checks, lease, leaseMs: orders.leaseMs, tokens: 0 });
    if (answer.granted) await hold(lease);
    else await delay(5 + Math.random() * 30);
  }
}

async function take(lease: string): Promise<void> {
  tell({ kind: 'granted', at: machineTime() });
  await limiter.release(lease, {});
}

/** For a moment, or for longer than a lease. */
async function occupy(lease: string): Promise<void> {
  held.add(lease);
  tell({ kind: 'begun', lease, at: machineTime() });
  await delay(Math.random() < 0.1 ? orders.leaseMs * 1.5 : Math.random() * 60);
  tell({ kind: 'ended', lease, at: machineTime() });
  held.delete(lease);
  await limiter.release(lease, {});
}

process.once('SIGTERM', () => process.exit(0));
setInterval(() => void limiter.renew([...held], orders.leaseMs), orders.leaseMs / 3);
// As the poll for revocations does in a gateway: an emptied Redis is noticed without being asked for anything.
setInterval(() => {
  life.saw('');
}, 300);
process.once('message', () => {
  const workers = [
    ...Array.from({ length: 6 }, () => work({ requestsPerMinute: orders.requestsPerMinute }, take)),
    ...Array.from({ length: 6 }, () => work({ concurrent: orders.concurrent }, occupy)),
  ];
  Promise.all(workers).catch((error: unknown) => tell({ kind: 'failed', what: String(error) }));
});
await life.settled();
tell({ kind: 'ready' });
