import type { AuditEvent } from '../core/audit-event.ts';
import type { AuditSink } from '../ports/audit-sink.ts';

export interface RelayOptions {
  /** Hands events over to where they are written; resolves when they are taken. */
  readonly deliver: (events: readonly AuditEvent[]) => Promise<void>;
  /** Told when events were lost. Must not throw. */
  readonly onTrouble: (message: string) => void;
  /** Events that wait at most; default 10,000. Further ones are dropped and counted. */
  readonly maxWaiting?: number;
}

/**
 * An audit sink that hands events over to another one, elsewhere: at once while nobody is
 * behind, and in one parcel whatever has come while the last one was under way.
 */
export function relayedAudit({ deliver, onTrouble, maxWaiting = 10_000 }: RelayOptions): AuditSink {
  let waiting: AuditEvent[] = [];
  let dropped = 0;
  let underWay: Promise<void> | undefined;
  let closed = false;

  async function deliverAll(): Promise<void> {
    while (waiting.length > 0) {
      const parcel = waiting;
      waiting = [];
      try {
        await deliver(parcel);
      } catch (error) {
        onTrouble(`Audit events lost: ${parcel.length}: ${error instanceof Error ? error.message : 'unknown error'}`);
      }
      if (dropped > 0) onTrouble(`Audit events lost: ${dropped}, because ${maxWaiting} were waiting already`);
      dropped = 0;
    }
    underWay = undefined;
  }

  return {
    write(event) {
      if (closed) return onTrouble('Audit event lost: the log is closed');
      if (waiting.length >= maxWaiting) {
        dropped++;
        return;
      }
      waiting.push(event);
      underWay ??= deliverAll();
    },

    async close() {
      closed = true;
      await underWay;
    },
  };
}
