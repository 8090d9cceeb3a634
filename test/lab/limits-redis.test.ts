import { test } from 'node:test';
import { hammer } from '../../packages/gateway/test/stores/limiter-hammer.ts';

// Whole gateways with a Redis that keeps what it knows, for a minute that is one: llm-three-gateways.test.ts.
test('redisLimiter() holds limits while three processes hammer on them, Redis is restarted empty and one is killed', async () => {
  await hammer({ minuteMs: 20_000, requestsPerMinute: 1_200, concurrent: 10, leaseMs: 3_000 });
});
