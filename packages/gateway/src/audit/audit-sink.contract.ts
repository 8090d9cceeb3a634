import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { AuditEvent } from '../core/audit-event.ts';
import type { AuditSink } from '../ports/audit-sink.ts';

/** A sink and a way to read what it wrote, oldest first. */
export interface OpenedSink {
  readonly sink: AuditSink;
  readonly read: () => readonly unknown[];
}

const common = {
  requestId: 'r1',
  address: '10.0.0.1',
  app: 'desk',
  account: 'CORP\\jürgen',
  subject: 'S-1-5-21-1-2-3-4',
};

/** One event of each kind, odd characters included. */
export const sampleEvents: readonly AuditEvent[] = [
  { ...common, time: 1_000, kind: 'sign-in', method: 'negotiate', note: undefined },
  {
    ...common,
    time: 2_000,
    kind: 'sign-in-failed',
    method: 'negotiate',
    reason: 'clock-skew',
    detail: 'two\nlines, 陳 and "quotes"',
  },
  {
    ...common,
    time: 3_000,
    kind: 'refused',
    reason: 'not-in-group',
    httpMethod: 'GET',
    host: 'desk',
    path: '/risk/%E9',
  },
  { ...common, time: 4_000, kind: 'sign-out', app: undefined, account: undefined, subject: undefined },
  {
    ...common,
    time: 5_000,
    kind: 'websocket-closed',
    path: '/_event',
    durationMs: 12.5,
    bytesToClient: 1,
    bytesToUpstream: 2,
    reason: 'client',
  },
  {
    ...common,
    time: 6_000,
    kind: 'upstream-failed',
    reason: 'reset',
    detail: "it's gone; DROP TABLE audit",
    path: '/',
  },
];

/** What of an event JSON keeps. */
const asWritten = (event: AuditEvent): unknown => JSON.parse(JSON.stringify(event));

/** What every sink must do. `open` gives a fresh one. */
export function auditSinkContract(name: string, open: () => OpenedSink): void {
  suite(`${name} audit sink`, () => {
    test('close() has written every event, whole and in order', async () => {
      const { sink, read } = open();
      for (const event of sampleEvents) sink.write(event);
      await sink.close();
      assert.deepEqual(read(), sampleEvents.map(asWritten));
    });

    test('close() has written a thousand events that came at once', async () => {
      const { sink, read } = open();
      const [sample] = sampleEvents;
      assert.ok(sample !== undefined);
      for (let time = 0; time < 1_000; time++) sink.write({ ...sample, time });
      await sink.close();
      assert.equal(read().length, 1_000);
    });

    test('close() may be called twice', async () => {
      const { sink } = open();
      await sink.close();
      await sink.close();
    });
  });
}
