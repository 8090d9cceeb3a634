/**
 * Loopback ports of programs that are started and cannot be asked.
 *
 * @module
 */

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Below those that a system gives to whoever asks for any port, so that nobody gets one of these between its choice and its use. */
const [lowest, count] = [20_000, 12_000] as const;

/** A loopback port that nobody uses at the moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + randomInt(count);
    const server = createServer().listen(port, '127.0.0.1');
    const taken = await new Promise<boolean>((resolve) => {
      server.once('listening', () => resolve(false)).once('error', () => resolve(true));
    });
    if (taken) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Does something listen there? */
export function isListening(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port });
  socket.setTimeout(1_000, () => socket.destroy(new Error('no answer')));
  socket.on('error', () => resolve(false));
  socket.on('connect', () => {
    socket.destroy();
    resolve(true);
  });
  return promise;
}

/** Waits until the port is open. False when `giveUp` says so or the time is over. */
export async function waitForPort(
  host: string,
  port: number,
  giveUp: () => boolean,
  timeoutMs = 30_000,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isListening(host, port))) {
    if (giveUp() || Date.now() > deadline) return false;
    await delay(25); // another program's port: there is no event to wait for
  }
  return true;
}
