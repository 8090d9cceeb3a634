/**
 * One process at a time, without lock files: the lock is a listening socket, which the kernel takes away when its
 * owner dies, however it dies.
 *
 * @module
 */

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Runs `work` while no other process of this machine runs something under the same name. */
export async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  const waiting = new Set<Socket>();
  const server = await acquire(`\0${name}`, waiting); // a leading zero: Linux's names without a file
  try {
    return await work();
  } finally {
    const closed = once(server, 'close');
    server.close();
    for (const socket of waiting) socket.destroy();
    await closed;
  }
}

async function acquire(path: string, waiting: Set<Socket>): Promise<Server> {
  for (;;) {
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => {}).on('close', () => waiting.delete(socket));
    });
    try {
      await once(server.listen(path), 'listening');
      return server;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
    await released(path);
  }
}

/** Resolves when the present owner closes its socket, or has done so. */
async function released(path: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  connect(path)
    .on('error', () => {})
    .on('close', () => resolve())
    .resume();
  await promise;
}
