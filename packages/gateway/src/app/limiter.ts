import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { AuditSink } from '../ports/audit-sink.ts';
import type { Limiter } from '../ports/limiter.ts';
import { memoryLimiter } from '../stores/limiter-memory.ts';
import { redisLimiter } from '../stores/limiter-redis.ts';
import type { SharedStores } from '../stores/shared-state.ts';

export interface LimiterParts {
  readonly now: () => number;
  readonly log: Logger;
  readonly audit: AuditSink;
}

/** The limits of all apps: in Redis where there is one, else in this process. Closed before the stores are. */
export function openLimiter({ redis, life }: Pick<SharedStores, 'redis' | 'life'>, parts: LimiterParts): Limiter {
  const { now, log, audit } = parts;
  if (redis === undefined || life === undefined) return memoryLimiter(now);
  const write = (kind: 'limits-unshared' | 'limits-shared'): void =>
    audit.write({
      kind,
      time: now(),
      requestId: randomUUID(),
      address: 'gateway',
      app: undefined,
      account: undefined,
      subject: undefined,
    });
  return redisLimiter({
    redis,
    life,
    now,
    onUnshared: () => {
      log.error(
        'Limits are not shared with other gateways: Redis cannot be used; each app has what when_redis_is_down says',
      );
      write('limits-unshared');
    },
    onShared: () => {
      log.info('Limits are shared with other gateways again');
      write('limits-shared');
    },
  });
}
