import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { Channel, ChannelError, type Contract } from './channel.ts';

interface Desk {
  add(a: number, b: number): number;
  later(text: string): Promise<string>;
  fail(): void;
  secret(): string;
}

const desk: Desk = {
  add: (a, b) => a + b,
  later: async (text) => `${text}!`,
  fail: () => {
    throw Object.assign(new RangeError('no room'), { code: 'EADDRINUSE', syscall: 'listen', extra: 'lost' });
  },
  secret: () => 'not for others',
};
const contract: Contract<Pick<Desk, 'add' | 'later' | 'fail'>> = {
  name: 'desk',
  methods: { add: true, later: true, fail: true },
};
const whole: Contract<Desk> = { name: 'desk', methods: { ...contract.methods, secret: true } };

function pair(t: TestContext): { readonly ours: Channel; readonly theirs: Channel } {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  return { ours: new Channel(port1), theirs: new Channel(port2) };
}

test('Channel calls a service of the other side and gives its answer', async (t) => {
  const { ours, theirs } = pair(t);
  theirs.offer(contract, desk);
  const remote = ours.use(contract);
  assert.deepEqual(await Promise.all([remote.add(1, 2), remote.later('soon'), remote.add(3, 4)]), [3, 'soon!', 7]);
});

test('Channel works in both directions at once', async (t) => {
  const { ours, theirs } = pair(t);
  ours.offer(contract, desk);
  theirs.offer(contract, desk);
  assert.deepEqual(await Promise.all([ours.use(contract).add(1, 1), theirs.use(contract).add(2, 2)]), [2, 4]);
});

test('Channel rejects with what was thrown there, with the code by which programs know it', async (t) => {
  const { ours, theirs } = pair(t);
  theirs.offer(contract, desk);
  await assert.rejects(ours.use(contract).fail(), {
    name: 'RangeError',
    message: 'no room',
    code: 'EADDRINUSE',
    syscall: 'listen',
  });
});

test('Channel lets nobody call what the contract does not name', async (t) => {
  const { ours, theirs } = pair(t);
  theirs.offer(contract, desk);
  await assert.rejects(ours.use(whole).secret(), /desk\.secret\(\) is not offered/);
});

test('Channel rejects a call of a service that was not offered at all', async (t) => {
  const { ours } = pair(t);
  await assert.rejects(ours.use(contract).add(1, 2), /desk\.add\(\) is not offered/);
});

test('Channel rejects what cannot be copied, and goes on', async (t) => {
  const { ours, theirs } = pair(t);
  const picky: Contract<{ take(value: unknown): boolean; give(): unknown }> = {
    name: 'picky',
    methods: { take: true, give: true },
  };
  theirs.offer(picky, { take: () => true, give: () => () => {} });
  const remote = ours.use(picky);
  await assert.rejects(
    remote.take(() => {}),
    /could not be cloned/,
  );
  await assert.rejects(remote.give(), /could not be cloned/);
  assert.equal(await remote.take('text'), true);
});

test('Channel.close() tells everybody who waits, and everybody who asks afterwards', async (t) => {
  const { ours, theirs } = pair(t);
  const silent: Contract<{ wait(): Promise<void> }> = { name: 'silent', methods: { wait: true } };
  theirs.offer(silent, { wait: () => new Promise(() => {}) });
  const waiting = ours.use(silent).wait();
  ours.close('The thread has ended');
  await assert.rejects(waiting, new ChannelError('The thread has ended'));
  await assert.rejects(ours.use(silent).wait(), new ChannelError('The thread has ended'));
});

test('Channel gives up a call that takes longer than its limit', async (t) => {
  const { ours, theirs } = pair(t);
  const silent: Contract<{ wait(): Promise<void> }> = { name: 'silent', methods: { wait: true } };
  theirs.offer(silent, { wait: () => new Promise(() => {}) });
  await assert.rejects(ours.use(silent, 5).wait(), /silent\.wait\(\) has not answered within 5 ms/);
});

test('Channel does not mistake messages of others for its own', async (t) => {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const ours = new Channel(port1);
  const theirs = new Channel(port2);
  theirs.offer(contract, desk);
  port2.postMessage('hello');
  port2.postMessage(null);
  port2.postMessage({ kind: 'answer' });
  assert.equal(await ours.use(contract).add(1, 2), 3);
});

test('Channel.offer() refuses a service that lacks a method', (t) => {
  const { ours } = pair(t);
  assert.throws(() => ours.offer(contract, { add: () => 0 } as unknown as Desk), TypeError);
});
