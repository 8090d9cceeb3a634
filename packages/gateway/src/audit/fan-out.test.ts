import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '../core/audit-event.ts';
import type { AuditSink } from '../ports/audit-sink.ts';
import { auditSinkContract, sampleEvents } from './audit-sink.contract.ts';
import { fanOut } from './fan-out.ts';

const [event] = sampleEvents as [AuditEvent];

function listSink(): { readonly sink: AuditSink; readonly written: AuditEvent[] } {
  const written: AuditEvent[] = [];
  return { written, sink: { write: (each) => void written.push(each), close: async () => {} } };
}

auditSinkContract('fan-out', () => {
  const { sink, written } = listSink();
  return { sink: fanOut([sink], () => {}), read: () => JSON.parse(JSON.stringify(written)) };
});

test('fanOut() writes to every sink, also behind one that throws', () => {
  const trouble: string[] = [];
  const [first, last] = [listSink(), listSink()];
  const broken: AuditSink = {
    write: () => {
      throw new Error('disk full');
    },
    close: async () => {},
  };
  fanOut([first.sink, broken, last.sink], (message) => void trouble.push(message)).write(event);
  assert.deepEqual([first.written, last.written], [[event], [event]]);
  assert.deepEqual(trouble, ['Audit event lost: disk full']);
});

test('fanOut() closes every sink, also behind one that fails', async () => {
  const trouble: string[] = [];
  const closed: string[] = [];
  const sink = (name: string): AuditSink => ({ write: () => {}, close: async () => void closed.push(name) });
  const broken: AuditSink = { write: () => {}, close: () => Promise.reject(new Error('disk full')) };
  await fanOut([sink('first'), broken, sink('last')], (message) => void trouble.push(message)).close();
  assert.deepEqual(closed, ['first', 'last']);
  assert.equal(trouble.length, 1);
});
