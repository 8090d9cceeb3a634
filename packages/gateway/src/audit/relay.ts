import type { AuditEvent } from '../core/audit-event.ts';
import { relay, type RelayOptions } from '../core/relay.ts';
import type { AuditSink } from '../ports/audit-sink.ts';

/** An audit sink that hands events over to another one, elsewhere; see `relay`. */
export function relayedAudit(options: Omit<RelayOptions<AuditEvent>, 'one' | 'several'>): AuditSink {
  const events = relay({ ...options, one: 'Audit event', several: 'Audit events' });
  return { write: (event) => events.add(event), close: () => events.close() };
}
