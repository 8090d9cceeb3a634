import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { AuditEvent } from '../core/audit-event.ts';
import { auditSinkContract, type OpenedSink, sampleEvents } from './audit-sink.contract.ts';
import { auditTables, type SqliteAuditOptions, sqliteAudit } from './sqlite.ts';

interface Opened extends OpenedSink {
  readonly database: DatabaseSync;
  readonly trouble: string[];
}

function open(options: Partial<SqliteAuditOptions> = {}): Opened {
  const database = new DatabaseSync(':memory:');
  database.exec(auditTables);
  const trouble: string[] = [];
  const onTrouble = (message: string): void => void trouble.push(message);
  const sink = sqliteAudit({ database, retainMs: 1_000_000, onTrouble, delayMs: 1, ...options });
  const read = (): unknown[] =>
    database
      .prepare('SELECT event FROM audit ORDER BY id')
      .all()
      .map(({ event }) => JSON.parse(String(event)));
  return { sink, read, database, trouble };
}

const [event] = sampleEvents as [AuditEvent];
const rows = (database: DatabaseSync): number =>
  Number(database.prepare('SELECT count(*) AS rows FROM audit').get()?.['rows']);

/** Waits until the table has so many rows. */
async function until(database: DatabaseSync, count: number): Promise<void> {
  while (rows(database) < count) await new Promise((resolve) => setTimeout(resolve, 1));
}

auditSinkContract('sqlite', open);

test('sqliteAudit() writes by itself after a moment', async () => {
  const { sink, database } = open();
  sink.write(event);
  assert.equal(rows(database), 0);
  await until(database, 1);
  await sink.close();
});

test('sqliteAudit() writes in batches, without being asked again', async () => {
  const { sink, database } = open({ batchSize: 10 });
  for (let i = 0; i < 35; i++) sink.write(event);
  await until(database, 35);
  await sink.close();
});

test('sqliteAudit() has columns to search by', async () => {
  const { sink, database } = open();
  sink.write(event);
  await sink.close();
  const row = database.prepare('SELECT time, kind, account, subject, app, address, request_id FROM audit').get();
  const { time, kind, account, subject, app, address, requestId } = event;
  assert.deepEqual({ ...row }, { time, kind, account, subject, app, address, request_id: requestId });
});

test('sqliteAudit() takes a time with a fraction, though its column is an integer', async () => {
  const { sink, database, trouble } = open();
  sink.write({ ...event, time: 1_000.25 });
  await sink.close();
  assert.deepEqual([rows(database), trouble], [1, []]);
});

test('sqliteAudit() drops what exceeds its bound, and says how many', async () => {
  const { sink, database, trouble } = open({ maxWaiting: 10 });
  for (let i = 0; i < 25; i++) sink.write(event);
  await sink.close();
  assert.equal(rows(database), 10);
  assert.deepEqual(trouble, ['Audit events lost: 15, because 10 were waiting already']);
});

test('sqliteAudit() keeps events while the database fails, writes them afterwards, and reports the trouble once', async () => {
  const { sink, database, trouble } = open();
  database.exec('ALTER TABLE audit RENAME TO elsewhere');
  sink.write(event);
  while (trouble.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  sink.write(event);
  await new Promise((resolve) => setTimeout(resolve, 10)); // several more attempts
  database.exec('ALTER TABLE elsewhere RENAME TO audit');
  await until(database, 2);
  await sink.close();
  assert.equal(trouble.length, 1);
  assert.match(trouble[0] ?? '', /Cannot write audit events/);
});

test('sqliteAudit() reports what it could not write before the end', async () => {
  const { sink, database, trouble } = open({ delayMs: 60_000 });
  sink.write(event);
  database.close();
  await sink.close();
  assert.match(trouble.join(), /Audit events lost: 1/);
});

test('sqliteAudit() reports an event that comes after the end', async () => {
  const { sink, database, trouble } = open();
  await sink.close();
  sink.write(event);
  assert.equal(rows(database), 0);
  assert.deepEqual(trouble, ['Audit event lost: the log is closed']);
});

test('sqliteAudit() removes events that are older than it keeps them', async () => {
  const { sink, database } = open({ retainMs: 1_000 });
  for (const time of [0, 1, 999, 1_000, 2_000]) sink.write({ ...event, time });
  await sink.close();
  const times = database
    .prepare('SELECT time FROM audit ORDER BY time')
    .all()
    .map(({ time }) => time);
  assert.deepEqual(times, [1_000, 2_000]);
});
