/**
 * Limits where it counts, at the backend, while people and programs ask three gateways for several times of what they may have, and one
 * gateway and Redis fail. What is measured here is what the backend has seen, by its own clock.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { noRedis } from '../../packages/gateway/test/redis.ts';
import { until } from '../../packages/gateway/test/until.ts';
import { mostAtOnce, mostLetInWithin, mostWithin, type Work } from './counting-backend.ts';
import { ask, type Asker, type Fate, type Mishap, startLoad, type Tally } from './limit-load.ts';
import { startThreeGateways, type ThreeGateways } from './three-gateways.ts';

const minuteMs = 60_000;
const perMinute = 600;
const concurrent = 10;
/** Longer than any outage here: whoever cannot renew a lease for so long loses it. */
const leaseMs = 9_000;
/** Longer than a minute, so that what was used first is there again. */
const loadMs = 63_000;
const host = 'llm.corp.example';
const localHost = 'local.corp.example';

const limits = (numbers: string, whenDown: string): string =>
  `{ tiers: [{ name: default, ${numbers} }], when_redis_is_down: ${whenDown}, lease: ${leaseMs / 1_000}s }`;

suite('three gateways and one Redis', { skip: noRedis }, () => {
  let three: ThreeGateways;

  before(async () => {
    three = await startThreeGateways([
      { name: 'llm', host, limits: limits(`requests_per_minute: ${perMinute}, concurrent: ${concurrent}`, 'refuse') },
      { name: 'local', host: localHost, limits: limits('concurrent: 4', 'local') },
    ]);
  });
  after(() => three?.close());

  const workOf = (name: string): readonly Work[] =>
    three.backend.work.filter(({ who }) => who === `CORP\\${name}` || who === `key:${name}`);

  test('limits hold at the backend while clients go away, a gateway is killed and Redis is restarted; no lease is left', async (t) => {
    // How long a response lasts decides when the limit of the minute is reached: before, between and after what fails.
    const askers: readonly Asker[] = [
      { name: 'early', fields: await three.person('early'), holdMs: 240 },
      { name: 'middle', fields: await three.program('middle'), holdMs: 500 },
      { name: 'late', fields: await three.person('late'), holdMs: 780 },
      { name: 'later', fields: await three.program('later'), holdMs: 780 },
      { name: 'hasty', fields: await three.person('hasty'), holdMs: 500, hasty: true },
    ];
    const cpuBefore = process.cpuUsage();
    const gatewaysBefore = three.cpuMs();
    const begin = performance.now();
    const at = async (ms: number): Promise<number> => {
      await delay(Math.max(0, begin + ms - performance.now()));
      return performance.now();
    };
    const load = startLoad({ host, askers, clients: 6, origins: () => three.origins(), againMs: 400 });
    t.after(() => load.stop());

    const killed = await at(20_000);
    const cpuOfKilled = three.cpuMs()[0] ?? 0;
    await three.kill(0);
    await at(30_000);
    await three.restart(0);
    const restarted = performance.now();
    const down = await at(40_000);
    await three.redis.kill();
    await at(41_000);
    await three.redis.start();
    const up = performance.now();
    await at(loadMs);
    const before = await three.leases();
    await load.stop();
    const left = performance.now();
    await until(async () => (await three.leases()).leases === 0, 'all leases to be given back');
    const backAfter = performance.now() - left;

    // All that may fail: what is asked of the gateway that is dead, and while Redis is down.
    const excused = ({ fate, at: when, gateway }: Mishap): boolean =>
      (fate === 'cut' && gateway === 0 && when > killed && when < restarted + 1_000) ||
      (fate === '503' && when > down && when < up + 2_000);
    for (const { name } of askers) {
      const work = workOf(name);
      const tally = tallyOf(load.tallies, name);
      const [first] = work;
      assert.ok(first !== undefined, `${name} was never let in`);
      const inFirst = work.filter(({ at: came }) => came < first.at + minuteMs).length;
      const inAny = mostWithin(work, minuteMs);
      const letIn = mostLetInWithin(work, minuteMs);
      // Who was refused for the minute has had it. What is let in counts a 240th of a minute longer than that.
      const had = tally.byMinute.map(
        (refusal) =>
          work.filter(({ sent, at: came }) => came >= refusal.sent - (minuteMs * 241) / 240 && sent <= refusal.at)
            .length,
      );
      const least = Math.min(...had);
      const atOnce = mostAtOnce(work);
      const usedUp = (work[Math.min(perMinute, work.length) - 1]?.at ?? 0) - first.at;
      t.diagnostic(
        `${name}: ${sumOf(tally)} asked in ${loadMs / 1_000} s, ${inFirst} let in in the first minute (the last of ${perMinute} after ` +
          `${(usedUp / 1_000).toFixed(1)} s), at most ${inAny} in any, ${atOnce} at once; refused for the minute ${had.length} times, ` +
          `never before ${least}; ${countsOf(tally)}`,
      );
      assert.ok(letIn <= perMinute * 1.01, `${name}: ${letIn} let in within a minute`);
      assert.ok(name === 'hasty' || least >= perMinute * 0.99, `${name}: refused after ${least} within a minute`);
      assert.equal(atOnce, concurrent, `${name}: at once`);
      assert.ok((tally.fates.get('cancelled') ?? 0) > 20, `${name} has not gone away`);
      assert.deepEqual(
        tally.mishaps.filter((one) => !excused(one)).slice(0, 5),
        [],
        `${name}: beyond ${killed}-${restarted} and ${down}-${up}`,
      );
      assert.equal(tally.vague, 0, `${name}: refusals without Retry-After`);
    }
    assert.deepEqual(three.backend.strange, []);
    // A machine that has much else to do does not get so far with all of them.
    assert.ok(tallyOf(load.tallies, 'early').byMinute.length > 0, 'nobody has used up a minute');

    assert.ok(before.leases > 0, 'there were no leases');
    await until(async () => (await three.leases()).keys === 0, 'the keys of leases to be gone');
    const seconds = (loadMs / 1_000).toFixed(0);
    const { user, system } = process.cpuUsage(cpuBefore);
    const gateways = three.cpuMs().map((ms, i) => ms - (i === 0 ? 0 : (gatewaysBefore[i] ?? 0)));
    t.diagnostic(
      `${before.leases} leases before the end, 0 after ${backAfter.toFixed(0)} ms, and no key of any after ${(performance.now() - left).toFixed(0)} ms; ` +
        `CPU in ${seconds} s: gateways ${gateways.map((ms) => `${ms} ms`).join(', ')} (the first was killed: before that ` +
        `${cpuOfKilled - (gatewaysBefore[0] ?? 0)} ms), clients and backend ${((user + system) / 1_000).toFixed(0)} ms`,
    );
    assert.ok(backAfter < leaseMs * 0.8, `leases were not given back, but have run out: ${backAfter} ms`);
  });

  test('an outage that lasts ends nothing that is in progress; who asks meanwhile is refused, or judged by each gateway alone', async (t) => {
    const refused = { host, name: 'strict', fields: await three.person('strict'), most: concurrent };
    const alone = { host: localHost, name: 'lone', fields: await three.person('lone'), most: 4 };
    const over = new AbortController();
    t.after(() => over.abort());
    const open: Promise<{ readonly fate: Fate }>[] = [];
    const cut: Fate[] = [];
    /** Asks for one that lasts, and gives the status. */
    const hold = (who: typeof refused, gateway: number): Promise<Fate> =>
      new Promise((resolve) => {
        const asked = ask({
          url: `${three.origins()[gateway]}/v1/chat/completions`,
          fields: { Host: who.host, ...who.fields },
          holdMs: 60_000,
          signal: over.signal,
          onHead: () => resolve('200'),
        });
        open.push(asked);
        void asked.then(({ fate }) => {
          if (fate === 'cut' || fate === 'done') cut.push(fate);
          resolve(fate);
        });
      });
    const holdAt = async (who: typeof refused, gateways: readonly number[]): Promise<string> =>
      (await Promise.all(gateways.map((gateway) => hold(who, gateway)))).toSorted().join(' ');
    const many = (count: number, fate: Fate): Fate[] => Array.from({ length: count }, () => fate);

    // One gateway has none of them, and so nothing that it could renew.
    assert.equal(await holdAt(refused, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]), many(10, '200').join(' '));
    assert.equal(await holdAt(alone, [0, 1, 1, 2]), many(4, '200').join(' '));
    assert.equal(await holdAt(alone, [0, 1, 2]), many(3, '429').join(' '));
    await three.redis.kill();
    const down = performance.now();
    assert.equal(await holdAt(refused, [0, 1, 2]), many(3, '503').join(' '));
    const patience = performance.now() - down;
    assert.ok(patience > 2_500 && patience < 4_500, `refused after ${patience} ms`);
    // Each has its own limit now, and knows what it has in progress itself: 3, 2 and 3 more.
    assert.equal(
      await holdAt(alone, [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2]),
      [...many(8, '200'), ...many(3, '429')].join(' '),
    );
    assert.equal(mostAtOnce(workOf('lone')), 12);
    await delay(Math.max(0, down + 4_500 - performance.now()));
    await three.redis.start();
    const up = performance.now();
    // Who has nothing in progress may be back before those who have, and is to leave them their places.
    let status = await hold(refused, 2);
    for (; status === '503' && performance.now() < up + 5_000; status = await hold(refused, 2)) await delay(5);
    const back = performance.now() - up;
    assert.deepEqual([status, mostAtOnce(workOf('strict'))], ['429', concurrent]);
    assert.deepEqual(cut, []);
    over.abort();
    await Promise.all(open);
    await until(async () => (await three.leases()).leases === 0, 'all leases to be given back');
    t.diagnostic(`refused after ${patience.toFixed(0)} ms of the outage; shared ${back.toFixed(0)} ms after it`);
  });
});

function tallyOf(tallies: ReadonlyMap<string, Tally>, name: string): Tally {
  const tally = tallies.get(name);
  if (tally === undefined) throw new Error(`Nobody is called ${name}`);
  return tally;
}

const sumOf = ({ fates }: Tally): number => [...fates.values()].reduce((sum, count) => sum + count, 0);

const countsOf = ({ fates }: Tally): string =>
  [...fates]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([fate, count]: [Fate, number]) => `${count} ${fate}`)
    .join(', ');
