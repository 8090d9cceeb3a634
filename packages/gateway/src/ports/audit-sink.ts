import type { AuditEvent } from '../core/audit-event.ts';

/** Where audit events go. `write` returns at once; a sink buffers by itself and within a bound. */
export interface AuditSink {
  write(event: AuditEvent): void;
  /** Writes what is buffered, then releases everything. */
  close(): Promise<void>;
}
