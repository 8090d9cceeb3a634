import { test } from 'node:test';
import { hammer } from '../../packages/gateway/test/stores/limiter-hammer.ts';

test('redisLimiter() holds limits for a minute while three processes hammer on them, Redis is restarted empty and one is killed', async () => {
  await hammer({ minuteMs: 60_000, requestsPerMinute: 1_200, concurrent: 10, leaseMs: 3_000 });
});
