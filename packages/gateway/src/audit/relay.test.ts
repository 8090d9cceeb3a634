import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '../core/audit-event.ts';
import { auditSinkContract, sampleEvents } from './audit-sink.contract.ts';
import { relayedAudit } from './relay.ts';

const [event] = sampleEvents as [AuditEvent];
const onTrouble = (message: string): never => assert.fail(message);

auditSinkContract('relayed', () => {
  const taken: AuditEvent[] = [];
  const deliver = async (events: readonly AuditEvent[]): Promise<void> => {
    await new Promise(setImmediate);
    taken.push(...events);
  };
  return { sink: relayedAudit({ deliver, onTrouble }), read: () => JSON.parse(JSON.stringify(taken)) };
});

test('relayedAudit() hands an event over at once, and what comes meanwhile in one parcel', async () => {
  const parcels: number[] = [];
  const taken = Promise.withResolvers<void>();
  const sink = relayedAudit({
    deliver: async (events) => {
      parcels.push(events.length);
      await taken.promise;
    },
    onTrouble,
  });
  for (let i = 0; i < 4; i++) sink.write(event);
  assert.deepEqual(parcels, [1]);
  taken.resolve();
  await sink.close();
  assert.deepEqual(parcels, [1, 3]);
});

test('relayedAudit() keeps a bounded number of events while nobody takes them, and says how many were lost', async () => {
  const troubles: string[] = [];
  const taken = Promise.withResolvers<void>();
  let count = 0;
  const sink = relayedAudit({
    deliver: async (events) => {
      count += events.length;
      await taken.promise;
    },
    onTrouble: (message) => troubles.push(message),
    maxWaiting: 10,
  });
  for (let i = 0; i < 20; i++) sink.write(event);
  taken.resolve();
  await sink.close();
  assert.equal(count, 11);
  assert.deepEqual(troubles, ['Audit events lost: 9, because 10 were waiting already']);
});

test('relayedAudit() says what was lost with the other side, and goes on', async () => {
  const troubles: string[] = [];
  const sink = relayedAudit({
    deliver: async () => {
      throw new Error('the other side has ended');
    },
    onTrouble: (message) => troubles.push(message),
  });
  sink.write(event);
  await sink.close();
  assert.deepEqual(troubles, ['Audit events lost: 1: the other side has ended']);
});

test('relayedAudit() says that an event came too late', async () => {
  const troubles: string[] = [];
  const sink = relayedAudit({ deliver: async () => {}, onTrouble: (message) => troubles.push(message) });
  await sink.close();
  sink.write(event);
  assert.deepEqual(troubles, ['Audit event lost: the log is closed']);
});
