import type { AuditSink } from '../ports/audit-sink.ts';

/** Writes each event to all sinks, in order. One that throws does not keep the others from their copy. */
export function fanOut(sinks: readonly AuditSink[], onTrouble: (message: string) => void): AuditSink {
  return {
    write(event) {
      for (const sink of sinks) {
        try {
          sink.write(event);
        } catch (error) {
          onTrouble(`Audit event lost: ${error instanceof Error ? error.message : 'unknown error'}`);
        }
      }
    },

    async close() {
      for (const result of await Promise.allSettled(sinks.map((sink) => sink.close())))
        if (result.status === 'rejected') onTrouble(`Cannot close audit log: ${String(result.reason)}`);
    },
  };
}
