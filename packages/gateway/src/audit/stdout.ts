import type { Writable } from 'node:stream';
import type { AuditSink } from '../ports/audit-sink.ts';

export interface StreamAuditOptions {
  /** Told when events were lost because nobody reads. Must not throw. */
  readonly onTrouble: (message: string) => void;
  /** Bytes that may wait in the stream; default 4 MiB. */
  readonly maxWaitingBytes?: number;
}

/** How long the end of the process waits for the output to be read. */
const closeMs = 1_000;

/**
 * Audit events as JSON lines, with the time in ISO 8601 and `"log":"audit"` to tell them from other lines.
 * The stream (standard output) stays open when the sink is closed.
 */
export function streamAudit(stream: Writable, options: StreamAuditOptions): AuditSink {
  const { onTrouble, maxWaitingBytes = 4 * 1024 * 1024 } = options;
  let dropped = 0;

  function reportDropped(): void {
    if (dropped > 0) onTrouble(`Audit events lost: ${dropped}, because the output is not read`);
    dropped = 0;
  }

  return {
    write(event) {
      if (stream.writableLength > maxWaitingBytes || !stream.writable) {
        dropped++;
        return;
      }
      reportDropped();
      stream.write(`${JSON.stringify({ ...event, log: 'audit', time: new Date(event.time).toISOString() })}\n`);
    },

    async close() {
      reportDropped();
      if (stream.writableLength === 0 || !stream.writable) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const deadline = setTimeout(resolve, closeMs); // nobody may be reading any more
      stream.write('', () => resolve());
      await promise;
      clearTimeout(deadline);
    },
  };
}
