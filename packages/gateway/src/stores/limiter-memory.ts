import { Ledger } from '../limits/ledger.ts';
import type { Limiter } from '../ports/limiter.ts';

/** Limits for one process. `now`: milliseconds since the epoch. `minuteMs`: for tests, which have less time. */
export function memoryLimiter(now: () => number, minuteMs?: number): Limiter {
  const ledger = new Ledger(minuteMs);
  return {
    acquire: (request) => ledger.acquire(request, now()),
    renew: (leases, leaseMs) => void ledger.renew(leases, leaseMs, now()),
    release: (lease, { tokens }) => void ledger.release(lease, tokens, now()),
    close: () => {},
  };
}
