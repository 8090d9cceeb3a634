/**
 * How many events strangers can cause. Whoever has not shown who they are could otherwise fill the log, and the disk, with
 * refusals; so each of their addresses has a number of events in a while, and all of them together. What is left out is
 * counted, and the count is written down.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { Throttle } from '../auth/throttle.ts';
import type { AuditEvent } from '../core/audit-event.ts';
import type { AuditSink } from '../ports/audit-sink.ts';
import { networkOf } from '../wire/cidr.ts';

type Kind = AuditEvent['kind'];

/** What a request can cause without any credential that was good. Everything else is always written. */
const caused: ReadonlySet<Kind> = new Set([
  'refused',
  'sign-in-failed',
  'token-refused',
  'approval-refused',
  'authorization-refused',
  'provider-logout-refused',
  'upstream-failed',
  'websocket-opened',
  'websocket-closed',
  'stream-opened',
  'stream-closed',
]);

export interface BoundedAuditOptions {
  /** Events of one kind that one address (of IPv6: one /64) can cause within the window; default 200. */
  readonly perAddress?: number;
  /** Events that all strangers together can cause within the window; default 2,000. */
  readonly total?: number;
  /** By the times of the events; default ten minutes. */
  readonly windowMs?: number;
  /** From the first event that is left out to the word about it; default a minute. */
  readonly tellAfterMs?: number;
}

/** Addresses that are remembered. Beyond them the limit for all together holds. */
const maxAddresses = 10_000;

/** What of one kind was left out since it was last said. */
interface LeftOut {
  count: number;
  time: number;
  readonly byAddress: Map<string, number>;
}

/** A sink that passes events on to another one, and of those that strangers cause a bounded number. Closes the other one as well. */
export function boundedAudit(sink: AuditSink, options: BoundedAuditOptions = {}): AuditSink {
  const { perAddress = 200, total = 2_000, windowMs = 600_000, tellAfterMs = 60_000 } = options;
  const addresses = new Throttle({ limit: perAddress, windowMs, maxKeys: maxAddresses });
  const all = new Throttle({ limit: total, windowMs, maxKeys: 1 });
  const leftOut = new Map<Kind, LeftOut>();
  let timer: NodeJS.Timeout | undefined;

  function isTooMany({ kind, address, time }: AuditEvent): boolean {
    const key = `${kind} ${networkOf(address)}`;
    if (addresses.wait(key, time) > 0 || all.wait('', time) > 0) return true;
    addresses.begin(key, time);
    all.begin('', time);
    return false;
  }

  function leaveOut({ kind, address, time }: AuditEvent): void {
    const of = leftOut.get(kind) ?? { count: 0, time, byAddress: new Map<string, number>() };
    leftOut.set(kind, of);
    of.count++;
    of.time = Math.max(of.time, time);
    if (of.byAddress.has(address) || of.byAddress.size < maxAddresses)
      of.byAddress.set(address, (of.byAddress.get(address) ?? 0) + 1);
    timer ??= setTimeout(tell, tellAfterMs).unref();
  }

  function tell(): void {
    clearTimeout(timer);
    timer = undefined;
    for (const [of, { count, time, byAddress }] of leftOut) {
      const [most = ['', 0]] = [...byAddress].toSorted(([, a], [, b]) => b - a);
      sink.write({
        kind: 'left-out',
        time,
        requestId: randomUUID(),
        address: most[0],
        app: undefined,
        account: undefined,
        subject: undefined,
        of,
        count,
        addresses: byAddress.size,
      });
    }
    leftOut.clear();
  }

  return {
    write(event) {
      if (event.subject === undefined && caused.has(event.kind) && isTooMany(event)) leaveOut(event);
      else sink.write(event);
    },

    close() {
      tell();
      return sink.close();
    },
  };
}
