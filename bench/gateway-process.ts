/**
 * A gateway that tells how much memory it uses: `node --expose-gc bench/gateway-process.ts CONFIGURATION`, forked. Sends
 * its port, and then a `Memory` for each message.
 *
 * @module
 */
import { PassThrough } from 'node:stream';
import { startGateway } from '../packages/gateway/src/app/gateway.ts';
import { loadConfig } from '../packages/gateway/src/config/load.ts';

/** Bytes, after a full collection. */
export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
}

if (import.meta.main) {
  const loaded = loadConfig(process.argv[2] ?? '', { env: process.env, now: Date.now() });
  if (loaded.kind === 'wrong') throw new Error(JSON.stringify(loaded.problems));
  const gateway = await startGateway(loaded, { auditStream: new PassThrough().resume() });
  process.on('message', () => {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    process.send?.({ rss, heapUsed } satisfies Memory);
  });
  process.on('disconnect', () => process.exit());
  process.send?.(Number(gateway.addresses[0]?.split(':')[1]));
}
