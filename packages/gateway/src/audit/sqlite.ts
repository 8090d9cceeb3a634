/**
 * The audit log in the database. Events are collected and written in one transaction
 * now and then, because a commit costs more than an insert; a request never waits.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type { AuditEvent } from '../core/audit-event.ts';
import type { AuditSink } from '../ports/audit-sink.ts';

/** The table, as a migration for `openDatabase`. The columns are for searching; `event` is the whole event. */
export const auditTables = `
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    account TEXT,
    subject TEXT,
    app TEXT,
    address TEXT NOT NULL,
    request_id TEXT NOT NULL,
    event TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_by_time ON audit (time);
  CREATE INDEX audit_by_subject ON audit (subject, time);
  CREATE INDEX audit_by_account ON audit (account, time);
`;

export interface SqliteAuditOptions {
  /** It stays open when the sink is closed. */
  readonly database: DatabaseSync;
  /** Events older than this go. */
  readonly retainMs: number;
  /** Told when events were lost or could not be written yet. Must not throw. */
  readonly onTrouble: (message: string) => void;
  /** Events that wait at most; default 10,000. Further ones are dropped and counted. */
  readonly maxWaiting?: number;
  /** Default: 100 ms. */
  readonly delayMs?: number;
  /** Events written in one transaction; default 200. */
  readonly batchSize?: number;
}

/** Old events go in small steps, so that no step holds up requests. */
const purgeRows = 500;

/** An audit sink that writes to the database in batches. */
export function sqliteAudit(options: SqliteAuditOptions): AuditSink {
  const { database, retainMs, onTrouble, maxWaiting = 10_000, delayMs = 100, batchSize = 200 } = options;
  const insert = database.prepare(`
    INSERT INTO audit (time, kind, account, subject, app, address, request_id, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  const purge = database.prepare(`
    DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE time < ? ORDER BY time LIMIT ${purgeRows})`);
  let waiting: AuditEvent[] = [];
  let dropped = 0;
  let newest = 0;
  let timer: NodeJS.Timeout | undefined;
  let failing = false;
  let closed = false;

  function flushBatch(): void {
    const batch = waiting.slice(0, batchSize);
    database.exec('BEGIN');
    try {
      for (const event of batch) insert.run(...columns(event));
      purge.run(Math.floor(newest - retainMs));
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
    waiting = waiting.slice(batchSize);
  }

  /** Writes what waits, a batch at a time; what cannot be written goes on waiting, within the bound. */
  function flush(): void {
    timer = undefined;
    try {
      flushBatch();
      failing = false;
    } catch (error) {
      if (!failing) onTrouble(`Cannot write audit events, which wait: ${reason(error)}`);
      failing = true;
    }
    if (dropped > 0) onTrouble(`Audit events lost: ${dropped}, because ${maxWaiting} were waiting already`);
    dropped = 0;
    if (waiting.length > 0) schedule();
  }

  function schedule(): void {
    timer ??= setTimeout(flush, delayMs);
  }

  return {
    write(event) {
      if (closed || waiting.length >= maxWaiting) {
        dropped++;
        if (closed) onTrouble('Audit event lost: the log is closed');
        return;
      }
      newest = Math.max(newest, event.time);
      waiting.push(event);
      if (waiting.length === batchSize && timer !== undefined) {
        clearTimeout(timer);
        timer = setTimeout(flush, 0); // a full batch need not wait, but the request that filled it must not pay for it
      } else {
        schedule();
      }
    },

    async close() {
      closed = true;
      clearTimeout(timer);
      timer = undefined;
      try {
        while (waiting.length > 0) flushBatch();
      } catch (error) {
        onTrouble(`Audit events lost: ${waiting.length}: ${reason(error)}`);
        waiting = [];
      }
      if (dropped > 0) onTrouble(`Audit events lost: ${dropped}, because ${maxWaiting} were waiting already`);
      dropped = 0;
    },
  };
}

function columns(event: AuditEvent): (string | number | null)[] {
  const { time, kind, account, subject, app, address, requestId } = event;
  return [
    Math.floor(time),
    kind,
    account ?? null,
    subject ?? null,
    app ?? null,
    address,
    requestId,
    JSON.stringify(event),
  ];
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : 'unknown error');
