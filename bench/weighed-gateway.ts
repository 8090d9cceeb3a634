/**
 * The gateway of `gateway-process.ts`, seen from outside.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Memory } from './gateway-process.ts';
import { serverConfig } from './measured.ts';
import { sessionConfig, writeUsers } from './session-gateway.ts';

const script = join(import.meta.dirname, 'gateway-process.ts');

export interface WeighedGateway {
  readonly port: number;
  readonly memory: () => Promise<Memory>;
  readonly stop: () => Promise<void>;
}

/** Starts such a gateway, with the app that needs a session. */
export async function startWeighedGateway(folder: string, upstreamPort: number): Promise<WeighedGateway> {
  await writeUsers(folder);
  const file = join(folder, 'cardea.yaml');
  writeFileSync(file, `${serverConfig()}log: { level: error }\n${sessionConfig(upstreamPort)}`);
  const child = fork(script, [file], { execArgv: ['--expose-gc'] });
  const [port]: unknown[] = await once(child, 'message');
  if (typeof port !== 'number') throw new Error('Cannot measure: the gateway did not tell its port');
  return {
    port,
    memory: () => weigh(child),
    stop: async () => {
      if (!child.connected) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

/** The least of several looks: a collection may need more than one round. */
async function weigh(child: ChildProcess): Promise<Memory> {
  const looks: Memory[] = [];
  for (let i = 0; i < 5; i++) {
    child.send('memory');
    const [look]: Memory[] = await once(child, 'message');
    if (look !== undefined) looks.push(look);
  }
  return looks.reduce((least, look) => (look.rss < least.rss ? look : least));
}
