import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { AuditEvent } from '../core/audit-event.ts';
import type { AuditSink } from '../ports/audit-sink.ts';
import { auditSinkContract } from './audit-sink.contract.ts';
import { type BoundedAuditOptions, boundedAudit } from './bounded.ts';

function listed(options?: BoundedAuditOptions): { readonly sink: AuditSink; readonly written: AuditEvent[] } {
  const written: AuditEvent[] = [];
  const list: AuditSink = { write: (event) => void written.push(event), close: async () => {} };
  return { written, sink: boundedAudit(list, options) };
}

auditSinkContract('bounded', () => {
  const { sink, written } = listed();
  return { sink, read: () => JSON.parse(JSON.stringify(written)) };
});

const refusal = (time: number, address = '192.0.2.1', subject?: string): AuditEvent => ({
  kind: 'refused',
  time,
  requestId: String(time),
  address,
  app: 'desk',
  account: subject,
  subject,
  reason: 'cors-origin',
  httpMethod: 'OPTIONS',
  host: 'desk',
  path: '/',
});
const failure = (time: number): AuditEvent => ({
  kind: 'sign-in-failed',
  time,
  requestId: String(time),
  address: '192.0.2.1',
  app: 'desk',
  account: undefined,
  subject: undefined,
  method: 'bearer',
  reason: 'bearer-expired',
  detail: '',
});

/** What a sink says of these events: how many of them it has written, and the words about the rest. */
async function outcome(options: BoundedAuditOptions, events: readonly AuditEvent[]) {
  const { sink, written } = listed(options);
  for (const event of events) sink.write(event);
  await sink.close();
  const told = written.flatMap((event) =>
    event.kind === 'left-out'
      ? [{ of: event.of, count: event.count, address: event.address, addresses: event.addresses }]
      : [],
  );
  return { written: written.length - told.length, told };
}

const times = (count: number, make: (i: number) => AuditEvent): readonly AuditEvent[] =>
  Array.from({ length: count }, (_, i) => make(i));

test('boundedAudit() writes the first refusals of an address, and counts the rest', async () => {
  assert.deepEqual(
    await outcome(
      { perAddress: 5 },
      times(12, (i) => refusal(i)),
    ),
    {
      written: 5,
      told: [{ of: 'refused', count: 7, address: '192.0.2.1', addresses: 1 }],
    },
  );
});

test('boundedAudit() lets no address take the place of another one', async () => {
  const events = [...times(12, (i) => refusal(i)), refusal(20, '192.0.2.2')];
  assert.equal((await outcome({ perAddress: 5 }, events)).written, 6);
});

test('boundedAudit() takes the addresses of one IPv6 network for one', async () => {
  const events = times(12, (i) => refusal(i, `2001:db8::${i.toString(16)}`));
  const { written, told } = await outcome({ perAddress: 5 }, events);
  assert.deepEqual([written, told[0]?.addresses], [5, 7]);
});

test('boundedAudit() lets no kind of event take the place of another one', async () => {
  assert.equal((await outcome({ perAddress: 5 }, [...times(12, (i) => refusal(i)), failure(20)])).written, 6);
});

test('boundedAudit() bounds what many addresses cause together', async () => {
  const events = times(30, (i) => refusal(i, `192.0.2.${i}`));
  const { written, told } = await outcome({ perAddress: 5, total: 20 }, events);
  assert.deepEqual([written, told[0]?.count, told[0]?.addresses], [20, 10, 10]);
});

test('boundedAudit() writes again when the window is over', async () => {
  const events = [...times(12, (i) => refusal(i)), refusal(1_000)];
  assert.equal((await outcome({ perAddress: 5, windowMs: 1_000 }, events)).written, 6);
});

test('boundedAudit() writes everything of people who have signed in', async () => {
  const events = times(12, (i) => refusal(i, '192.0.2.1', 'S-1'));
  assert.deepEqual(await outcome({ perAddress: 5, total: 5 }, events), { written: 12, told: [] });
});

test('boundedAudit() writes everything that no stranger causes', async () => {
  const events = times(
    12,
    (time): AuditEvent => ({ ...refusal(time), kind: 'provider-logout', provider: 'idp', ended: 'person', key: 'a' }),
  );
  assert.equal((await outcome({ perAddress: 5, total: 5 }, events)).written, 12);
});

test('boundedAudit() names the address that has caused most', async () => {
  const events = [...times(6, (i) => refusal(i, '192.0.2.7')), ...times(9, (i) => refusal(i, '192.0.2.8'))];
  const { told } = await outcome({ perAddress: 1 }, events);
  assert.deepEqual(told, [{ of: 'refused', count: 13, address: '192.0.2.8', addresses: 2 }]);
});

test('boundedAudit() says what was left out while it goes on, and once', async () => {
  const said = new EventTarget();
  const written: AuditEvent[] = [];
  const sink = boundedAudit(
    {
      write: (event) => {
        written.push(event);
        if (event.kind === 'left-out') said.dispatchEvent(new Event('said'));
      },
      close: async () => {},
    },
    { perAddress: 1, tellAfterMs: 1 },
  );
  const kept = setInterval(() => {}, 1_000); // the sink's own timer keeps no process alive
  for (let i = 0; i < 4; i++) sink.write(refusal(i));
  await once(said, 'said');
  clearInterval(kept);
  await sink.close();
  assert.deepEqual(
    written.map(({ kind }) => kind),
    ['refused', 'left-out'],
  );
});
