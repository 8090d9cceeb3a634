import { limiterContract } from './limiter.contract.ts';
import { memoryLimiter } from './limiter-memory.ts';

limiterContract('memoryLimiter()', (now) => {
  const clock = { now };
  return { limiter: memoryLimiter(() => clock.now), clock };
});
