import { memoryReplayCache } from './replay-cache-memory.ts';
import { replayCacheContract } from './replay-cache.contract.ts';

replayCacheContract('memory', (now) => memoryReplayCache({ now }));
