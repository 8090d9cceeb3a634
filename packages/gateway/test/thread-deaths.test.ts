/** A thread dies: the others go on, nobody hangs, and it is there again. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { openSocket, send, startTestGateway, type TestGateway, until } from './harness.ts';
import type { Death } from './orders.ts';
import { agentOf, fetchOnce, kill, linesToAll, metric, mortal, startThreads } from './threads.ts';

const threads = 2;
const deaths = 'cardea_thread_deaths_total';
const open = (upstream: string): string => `
limits: { connections_per_address: 60 }
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, public: true }] }]
`;

const causes: readonly (readonly [death: Death, says: RegExp])[] = [
  ['throw', /uncaught: Error: A bug that a test has planted/],
  ['reject', /uncaught: Error: A rejection that a test has planted/],
  ['exit', /it ended with status 7/],
  ['out-of-memory', /out of memory/],
];

suite('a gateway of which a thread dies', () => {
  let gateway: TestGateway;
  before(async () => (gateway = await startThreads(threads, { config: open })));
  after(() => gateway.close());

  const allServe = (): Promise<void> =>
    until(async () => (await metric(gateway, 'cardea_threads')) === threads, 'all threads to serve', 20_000);

  for (const [death, says] of causes)
    test(`says so, counts it and starts the thread again: ${death}`, async () => {
      await allServe();
      const before = await metric(gateway, deaths);
      kill(1, death);
      await until(async () => (await metric(gateway, deaths)) === before + 1, 'the death in the metrics', 60_000);
      await allServe();
      const [line] = gateway
        .written()
        .split('\n')
        .filter((text) => text.includes('A thread has died'))
        .slice(-1);
      const { level, thread, cause } = JSON.parse(line ?? '{}');
      assert.deepEqual([level, thread], [50, '2']);
      assert.match(cause, says);
    });

  test('serves on with the other thread', async () => {
    await allServe();
    const lines = await linesToAll(gateway, threads);
    kill(1, 'throw');
    await until(() => Object.keys(agentOf(lines[1]).freeSockets).length === 0, 'the end of its connections');
    for (let i = 0; i < 20; i++)
      assert.equal((await send(`${gateway.origin}/api/whoami`, { agent: agentOf(lines[0]) })).status, 200);
    for (const { agent } of lines) agent.destroy();
  });

  test('leaves no client waiting, and no request is answered twice', async () => {
    await allServe();
    const load = new AbortController();
    const counts = { answered: 0, cut: 0, wrong: 0 };
    const client = async (): Promise<void> => {
      while (!load.signal.aborted) {
        try {
          const { status } = await send(`${gateway.origin}/api/whoami`);
          if (status === 200) counts.answered++;
          else counts.wrong++;
        } catch {
          counts.cut++;
        }
      }
    };
    const clients = Array.from({ length: 8 }, client);
    for (const place of [0, 1]) {
      const before = counts.answered;
      await until(() => counts.answered > before + 50, 'some load');
      kill(place, 'throw');
      await until(async () => (await metric(gateway, 'cardea_threads')) < threads, 'the death');
      await allServe();
    }
    const before = counts.answered;
    await until(() => counts.answered > before + 50, 'answers after the deaths');
    load.abort();
    await Promise.all(clients);
    assert.equal(counts.wrong, 0);
    // Each of the eight has one connection at a time, and two threads have died.
    assert.ok(counts.cut <= 8 * 2, `${counts.cut} requests were cut off`);
  });

  test('closes the WebSockets of the dead thread towards both sides', async () => {
    await allServe();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => openSocket(`${gateway.origin}/ws`)));
    const closed: Promise<unknown>[] = [];
    for (const handshake of sockets)
      if (handshake.kind === 'open') closed.push(new Promise((resolve) => handshake.socket.once('close', resolve)));
    assert.equal(closed.length, 20);
    await until(() => gateway.sample.sockets() === 20, 'the sockets at the app');
    kill(0, 'throw');
    kill(1, 'throw');
    await Promise.all(closed);
    await until(() => gateway.sample.sockets() === 0, 'the end of the sockets at the app');
    await allServe();
  });

  test('frees the places that connections of the dead thread had', async () => {
    await allServe();
    const many = async (): Promise<number> => {
      const visits = await Promise.all(Array.from({ length: 80 }, () => fetchOnce(gateway.origin)));
      held.push(...visits);
      return visits.filter(({ status }) => status !== undefined).length;
    };
    const held: { readonly close: () => void }[] = [];
    await until(async () => (await gateway.gateway.connections()).open === 0, 'the end of earlier connections');
    assert.equal(await many(), 60);
    const before = await metric(gateway, deaths);
    kill(0, 'throw');
    kill(1, 'throw');
    await until(async () => (await metric(gateway, deaths)) === before + 2, 'both deaths');
    await allServe();
    assert.equal(await many(), 60);
    for (const { close } of held) close();
  });
});

test('a thread that hangs is ended and started again', async () => {
  const watchful = { ...mortal, watch: { everyMs: 50, patienceMs: 300, lastChanceMs: 100 } };
  const gateway = await startTestGateway({ threads, surroundings: { threads: watchful }, config: open });
  const asked = Promise.allSettled(Array.from({ length: 20 }, () => send(`${gateway.origin}/events`)));
  kill(1, 'hang');
  await until(async () => (await metric(gateway, deaths)) === 1, 'the end of the thread that hangs', 20_000);
  assert.match(gateway.written(), /"cause":"it has not answered for 300 ms"/);
  await until(async () => (await metric(gateway, 'cardea_threads')) === threads, 'all threads to serve', 20_000);
  await gateway.gateway.close(0);
  await asked;
  await gateway.close();
});

test('a gateway without any thread is not ready, and with some of them it is degraded', async (t) => {
  // Those that die stay away until they may start again, however long it takes to look.
  const policy = { firstDelayMs: 20, longestDelayMs: 20, soundMs: 60_000, failedStarts: Number.POSITIVE_INFINITY };
  const gateway = await startTestGateway({ threads, surroundings: { threads: { ...mortal, policy } }, config: open });
  process.env['CARDEA_TEST_CANNOT_START'] = '1';
  t.after(() => delete process.env['CARDEA_TEST_CANNOT_START']);
  const ready = async () => {
    const { status, body } = await send(`${gateway.admin}/readyz`);
    return [status, JSON.parse(body).checks.threads];
  };
  const becomes = (wanted: readonly unknown[]): Promise<void> =>
    until(async () => JSON.stringify(await ready()) === JSON.stringify(wanted), wanted.join(' '), 20_000);
  kill(1, 'throw');
  await becomes([200, '1 of 2']);
  kill(0, 'throw');
  await becomes([503, '0 of 2']);
  delete process.env['CARDEA_TEST_CANNOT_START'];
  await becomes([200, 'ok']);
  await gateway.close();
});

test('a gateway whose threads cannot start again says so and asks to be ended', async (t) => {
  const gateway = await startThreads(threads, { config: open });
  process.env['CARDEA_TEST_CANNOT_START'] = '1';
  t.after(() => delete process.env['CARDEA_TEST_CANNOT_START']);
  kill(0, 'throw');
  await gateway.gateway.failed;
  assert.match(gateway.written(), /Threads cannot be started any more: Cardea ends/);
  assert.match(gateway.written(), /This thread cannot start/);
  await gateway.close();
});

test('a gateway whose threads cannot start at all says why', async (t) => {
  process.env['CARDEA_TEST_CANNOT_START'] = '1';
  t.after(() => delete process.env['CARDEA_TEST_CANNOT_START']);
  await assert.rejects(startThreads(threads, { config: open }), /This thread cannot start/);
});

test('a thread that hangs does not keep the gateway from stopping', async () => {
  const gateway = await startThreads(threads, { config: open });
  const lines = await linesToAll(gateway, threads);
  kill(1, 'hang');
  await until(async () => {
    const asked = send(`${gateway.origin}/api/whoami`, { agent: agentOf(lines[1]) }).then(
      () => 'answered',
      () => 'cut',
    );
    return (await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 50, 'hangs'))])) === 'hangs';
  }, 'the thread to hang');
  assert.equal((await send(`${gateway.origin}/api/whoami`, { agent: agentOf(lines[0]) })).status, 200);
  for (const { agent } of lines) agent.destroy();
  await gateway.gateway.close(0);
  assert.match(gateway.written(), /"thread":"2".*A thread has not finished in order; it was ended/);
  await assert.rejects(send(`${gateway.origin}/`), { code: 'ECONNREFUSED' });
  await gateway.close();
});
