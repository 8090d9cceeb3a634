/**
 * Whether several threads can listen on one port, and whether it is free.
 *
 * @module
 */
import { createServer, type ListenOptions } from 'node:net';

/** Takes a port for a moment. Rejects as `listen` does. */
export type TryListen = (options: ListenOptions) => Promise<void>;

export const tryListen: TryListen = (options) =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(options, () => server.close(() => resolve()));
  });

/** Whether this system lets several listeners share a port of this host (`SO_REUSEPORT`) and spreads connections over them. */
export async function canSharePorts(host: string, listen: TryListen = tryListen): Promise<boolean> {
  try {
    await listen({ host, port: 0, reusePort: true });
    return true;
  } catch (error) {
    if (isUnsupported(error)) return false;
    throw error;
  }
}

/** libuv says ENOTSUP where it knows that it cannot work; an older kernel says EINVAL or ENOPROTOOPT. */
const isUnsupported = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['ENOTSUP', 'EINVAL', 'ENOPROTOOPT'].includes(String(error.code));
