/**
 * Loopback ports of programs that are started and cannot be asked.
 *
 * @module
 */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A loopback port that nobody uses at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return address.port;
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
