/**
 * A line to the domain controller that a test can cut.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { address } from '../../lab/files.ts';

/** A port that passes bytes to the domain controller, counts connections and can be cut. */
export interface Line {
  readonly port: number;
  readonly connections: () => number;
  /** Those that are open now. */
  readonly open: () => number;
  /** Bytes that went to the controller. */
  readonly sent: () => number;
  /** Ends what is open. `refuse`: and takes nothing new. */
  readonly cut: (how: 'once' | 'refuse') => void;
  readonly mend: () => void;
  /** Swallows what the server says from now on, as a firewall that has forgotten the connection does. */
  readonly mute: () => void;
  readonly close: () => Promise<void>;
}

/** Opens a line to one port of the domain controller: on the controller's own address, so that its certificate fits. */
export async function openLine(target: number, host: string = address): Promise<Line> {
  const open = new Set<Socket>();
  let count = 0;
  let sent = 0;
  let refusing = false;
  const server = createServer((client) => {
    if (refusing) {
      client.destroy();
      return;
    }
    count++;
    client.on('data', (chunk) => {
      sent += chunk.length;
    });
    const upstream = connect(target, address);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from.on('data', (chunk) => to.write(chunk));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const where = server.address();
  assert.ok(typeof where === 'object' && where !== null);
  const cutAll = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: where.port,
    connections: () => count,
    open: () => open.size / 2, // each has two ends
    sent: () => sent,
    cut(how) {
      refusing = how === 'refuse';
      cutAll();
    },
    mend() {
      refusing = false;
    },
    mute() {
      for (const socket of open) socket.removeAllListeners('data').pause();
    },
    async close() {
      cutAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
