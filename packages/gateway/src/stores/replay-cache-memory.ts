import { MemoryReplayCache, type MemoryReplayCacheOptions } from '@cardea/kerberos';
import type { ReplayCache } from '../ports/replay-cache.ts';

/** The Kerberos package's replay cache as the gateway's port: for tests, and where nothing may be written to disk. */
export function memoryReplayCache(options: MemoryReplayCacheOptions): ReplayCache {
  const cache = new MemoryReplayCache(options);
  return { claim: (key, expiresAt) => cache.claim(key, expiresAt), close: () => {} };
}
