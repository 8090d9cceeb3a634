import type { Socket } from 'node:net';
import { failureOf } from '../upstream/failure.ts';
import type { Completion, Tunnel, UpstreamFailure } from '../wire/http.ts';

/** How long nothing may move after one direction has ended. */
const HALF_CLOSED_MS = 10_000;
/** Idle time after which the operating system asks whether the other side is still there. */
const PROBE_MS = 30_000;

/** How a tunnel ended. */
export type TunnelEnd = Pick<Completion, 'end' | 'failure' | 'closedBy'>;

/** Two connections joined byte for byte, each read no faster than the other is written. */
export class SocketTunnel implements Tunnel {
  bytesToClient = 0;
  bytesToUpstream = 0;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #origin: string;
  #onEnd: ((end: TunnelEnd) => void) | undefined;
  #endedFirst: 'client' | 'upstream' | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Socket, upstream: Socket, origin: string, onEnd: (end: TunnelEnd) => void) {
    this.#client = client;
    this.#upstream = upstream;
    this.#origin = origin;
    this.#onEnd = onEnd;
  }

  /** Starts relaying. `first` is what the upstream sent together with its answer. */
  start(first: Buffer): void {
    const client = this.#client;
    const upstream = this.#upstream;
    if (first.length > 0) upstream.unshift(first);
    for (const socket of [client, upstream]) {
      socket.setTimeout(0);
      socket.setKeepAlive(true, PROBE_MS);
    }
    client.on('error', () => this.#broken('client'));
    upstream.on('error', (error) => this.#broken('upstream', failureOf(error, this.#origin)));
    client.on('close', () => this.#closed('client'));
    upstream.on('close', () => this.#closed('upstream'));
    client.on('end', () => this.#halfEnded('client', upstream));
    upstream.on('end', () => this.#halfEnded('upstream', client));
    client.on('drain', () => {
      this.#timer?.refresh();
      upstream.resume();
    });
    upstream.on('drain', () => {
      this.#timer?.refresh();
      client.resume();
    });
    client.on('data', (chunk: Buffer) => {
      this.#timer?.refresh();
      this.bytesToUpstream += chunk.length;
      if (!upstream.write(chunk)) client.pause();
    });
    upstream.on('data', (chunk: Buffer) => {
      this.#timer?.refresh();
      this.bytesToClient += chunk.length;
      if (!client.write(chunk)) upstream.pause();
    });
    // Either may have gone before we listened.
    if (client.destroyed) this.#closed('client');
    else if (upstream.destroyed) this.#closed('upstream');
  }

  destroy(reason: string): void {
    this.#finish({ end: 'shutdown', failure: undefined, closedBy: reason });
  }

  #halfEnded(side: 'client' | 'upstream', other: Socket): void {
    other.end();
    // Both have ended: what is still to be written is written, then both close by themselves.
    if (this.#endedFirst !== undefined) return;
    this.#endedFirst = side;
    this.#timer = setTimeout(() => this.#finish(this.#orderly(side)), HALF_CLOSED_MS);
  }

  #closed(side: 'client' | 'upstream'): void {
    if (this.#endedFirst === undefined) this.#broken(side);
    // What the upstream said last may still be on its way to the client; what it says now has nobody to go to.
    else if (side === 'client') this.#finish(this.#orderly(this.#endedFirst));
  }

  #broken(side: 'client' | 'upstream', failure?: UpstreamFailure): void {
    if (this.#endedFirst !== undefined) return this.#finish(this.#orderly(this.#endedFirst));
    if (side === 'client') return this.#finish({ end: 'client-gone', failure: undefined, closedBy: side });
    const reset: UpstreamFailure = { code: 'reset', detail: `${this.#origin}: closed within a tunnel` };
    this.#finish({ end: 'upstream-failed', failure: failure ?? reset, closedBy: side });
  }

  #orderly(side: 'client' | 'upstream'): TunnelEnd {
    return { end: 'complete', failure: undefined, closedBy: side };
  }

  #finish(end: TunnelEnd): void {
    const onEnd = this.#onEnd;
    if (onEnd === undefined) return;
    this.#onEnd = undefined;
    clearTimeout(this.#timer);
    this.#client.destroy();
    this.#upstream.destroy();
    onEnd(end);
  }
}
