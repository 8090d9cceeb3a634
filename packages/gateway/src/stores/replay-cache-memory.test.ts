import { MemoryReplayCache } from '@cardea/kerberos';
import { replayCacheContract } from './replay-cache.contract.ts';

// The Kerberos package's own, which small set-ups may use: it keeps to the same contract as the gateway's store.
replayCacheContract('MemoryReplayCache', (now) => {
  const cache = new MemoryReplayCache({ now });
  return { claim: (key, expiresAt) => cache.claim(key, expiresAt), close: () => {} };
});
