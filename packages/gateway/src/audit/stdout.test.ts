import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import type { AuditEvent } from '../core/audit-event.ts';
import { auditSinkContract, sampleEvents } from './audit-sink.contract.ts';
import { streamAudit } from './stdout.ts';

const onTrouble = (): void => {};
const [event] = sampleEvents as [AuditEvent];

/** A stream that somebody reads, as they read it: a little later. */
function output(): { readonly stream: Writable; readonly text: () => string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      setImmediate(done);
    },
  });
  return { stream, text: () => chunks.join('') };
}

/** The lines of a stream, with the form that belongs to the stream taken back. */
function lines(text: string): unknown[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const { log, time, ...rest } = JSON.parse(line);
      assert.equal(log, 'audit');
      return { ...rest, time: Date.parse(time) };
    });
}

auditSinkContract('stream', () => {
  const { stream, text } = output();
  return { sink: streamAudit(stream, { onTrouble }), read: () => lines(text()) };
});

test('streamAudit() writes one line for an event, with the time as people read it', () => {
  const { stream, text } = output();
  streamAudit(stream, { onTrouble }).write(event);
  assert.equal(text().indexOf('\n'), text().length - 1);
  assert.match(text(), /"time":"1970-01-01T00:00:01\.000Z"/);
});

test('streamAudit() drops events while nobody reads, and says how many when somebody does', async () => {
  const trouble: string[] = [];
  let release = (): void => {};
  const stuck = new Writable({
    write(_chunk, _encoding, done) {
      release = done;
    },
  });
  const sink = streamAudit(stuck, { maxWaitingBytes: 1_000, onTrouble: (message) => void trouble.push(message) });
  for (let i = 0; i < 100; i++) sink.write(event);
  assert.ok(stuck.writableLength < 2_000);
  while (stuck.writableLength > 0) {
    release();
    await new Promise(setImmediate);
  }
  sink.write(event);
  release();
  await sink.close();
  assert.equal(trouble.length, 1);
  assert.match(trouble[0] ?? '', /^Audit events lost: 9\d, because the output is not read$/);
});

test('streamAudit() survives an output that is gone', async () => {
  const trouble: string[] = [];
  const { stream: gone } = output();
  gone.destroy();
  const sink = streamAudit(gone, { onTrouble: (message) => void trouble.push(message) });
  sink.write(event);
  await sink.close();
  assert.equal(trouble.length, 1);
});

test('streamAudit() ends although nobody reads the output any more', async () => {
  const stuck = new Writable({ write() {} });
  const sink = streamAudit(stuck, { onTrouble });
  sink.write(event);
  await sink.close();
  assert.ok(stuck.writableLength > 0);
});
