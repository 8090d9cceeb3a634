import type { Socket } from 'node:net';
import type { Completion, Tunnel, UpstreamFailure } from './exchange.ts';
import { Relay } from './relay.ts';
import { failureOf } from './upstream-failure.ts';
import { closeFrame } from './websocket-close.ts';

/** How long nothing may move after one direction has ended, or after both sides have said Close. */
const HALF_CLOSED_MS = 10_000;
/** How long the two sides may take to finish a frame and to answer our Close. */
const CLOSING_MS = 2_000;
/** Idle time after which the operating system asks whether the other side is still there. */
const PROBE_MS = 30_000;

/** How a tunnel ended: what a completion says of it. Close frames of our own do not count as bytes. */
export type TunnelEnd = Pick<Completion, 'bytesToClient' | 'bytesToUpstream' | 'end' | 'failure' | 'closedBy'>;

/** Who hears of a tunnel. */
export interface TunnelEvents {
  /** Called once, never before `startTunnel` has returned. Both sockets are destroyed. */
  ended(end: TunnelEnd): void;
}

type Side = 'client' | 'upstream';

/**
 * Joins two connections that speak WebSocket, byte for byte, each read no faster than the other one is written. The
 * rests are what had come behind the heads. Both sockets must stay open in one direction when the other ends; nobody
 * else may listen on them. `origin` names the upstream in a failure.
 */
export function startTunnel(
  client: Socket,
  clientRest: Buffer,
  upstream: Socket,
  upstreamRest: Buffer,
  events: TunnelEvents,
  origin: string,
): Tunnel {
  const tunnel = new SocketTunnel(client, upstream, events, origin);
  tunnel.start(clientRest, upstreamRest);
  return tunnel;
}

class SocketTunnel implements Tunnel {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #toClient: Relay;
  readonly #toUpstream: Relay;
  readonly #origin: string;
  #events: TunnelEvents | undefined;
  /** Who ended it: the first one to send a Close frame or the end of its stream. */
  #endedBy: Side | undefined;
  #clientEnded = false;
  #upstreamEnded = false;
  /** Why we close it, once we do. */
  #closing: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Socket, upstream: Socket, events: TunnelEvents, origin: string) {
    this.#client = client;
    this.#upstream = upstream;
    this.#toClient = new Relay(client);
    this.#toUpstream = new Relay(upstream);
    this.#events = events;
    this.#origin = origin;
  }

  start(clientRest: Buffer, upstreamRest: Buffer): void {
    const client = this.#client;
    const upstream = this.#upstream;
    for (const socket of [client, upstream]) {
      socket.setTimeout(0);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, PROBE_MS);
    }
    client.on('error', () => this.#broken('client'));
    upstream.on('error', (error) => this.#broken('upstream', failureOf(error, this.#origin)));
    client.on('close', () => this.#closed('client'));
    upstream.on('close', () => this.#closed('upstream'));
    client.on('end', () => this.#halfEnded('client'));
    upstream.on('end', () => this.#halfEnded('upstream'));
    client.on('drain', () => this.#drained(upstream));
    upstream.on('drain', () => this.#drained(client));
    client.on('data', (chunk: Buffer) => this.#fromClient(chunk));
    upstream.on('data', (chunk: Buffer) => this.#fromUpstream(chunk));
    client.resume();
    upstream.resume();
    if (clientRest.length > 0) this.#fromClient(clientRest);
    if (upstreamRest.length > 0) this.#fromUpstream(upstreamRest);
    // What had happened before we listened is not told again.
    process.nextTick(() => this.#catchUp());
  }

  destroy(reason: string): void {
    this.#finish('shutdown', reason);
  }

  close(code: number, reason: string): void {
    const toClient = closeFrame(code, reason);
    // The mask keeps what scripts send from looking like something else on the wire; this is no script's.
    const toUpstream = closeFrame(code, reason, crypto.getRandomValues(new Uint8Array(4)));
    if (this.#events === undefined || this.#closing !== undefined) return;
    this.#closing = reason;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#finish('shutdown', reason), CLOSING_MS);
    // A side that has ended took the other side's write end with it.
    if (!this.#upstreamEnded) this.#toClient.close(toClient);
    if (!this.#clientEnded) this.#toUpstream.close(toUpstream);
    this.#part();
  }

  #fromClient(chunk: Buffer): void {
    this.#moved();
    if (!this.#toUpstream.push(chunk)) this.#client.pause();
    if (this.#toUpstream.sourceClosed) this.#saidClose('client');
  }

  #fromUpstream(chunk: Buffer): void {
    this.#moved();
    if (!this.#toClient.push(chunk)) this.#upstream.pause();
    if (this.#toClient.sourceClosed) this.#saidClose('upstream');
  }

  #drained(source: Socket): void {
    this.#moved();
    source.resume();
  }

  #moved(): void {
    if (this.#closing === undefined) this.#timer?.refresh();
  }

  #saidClose(side: Side): void {
    this.#endedBy ??= side;
    if (this.#closing !== undefined) return this.#part();
    // The server's part is to end the connection now (RFC 6455, 7.1.1). One that forgets does not keep it for ever.
    if (this.#toClient.sourceClosed && this.#toUpstream.sourceClosed) this.#limitRest();
  }

  #halfEnded(side: Side): void {
    if (side === 'client') {
      this.#clientEnded = true;
      this.#upstream.end();
    } else {
      this.#upstreamEnded = true;
      this.#client.end();
    }
    this.#endedBy ??= side;
    if (this.#closing !== undefined) return this.#part();
    // When both have ended, what is still to be written is written, then both close by themselves.
    this.#limitRest();
  }

  #limitRest(): void {
    if (this.#events !== undefined)
      this.#timer ??= setTimeout(() => this.#finish('complete', this.#endedBy), HALF_CLOSED_MS);
  }

  /** While we close: ends each side that has had its Close and answered it, and stops holding back what nobody gets. */
  #part(): void {
    const { sinkClosed: clientTold, sourceClosed: upstreamSaid } = this.#toClient;
    const { sinkClosed: upstreamTold, sourceClosed: clientSaid } = this.#toUpstream;
    if (clientTold) this.#upstream.resume();
    if (upstreamTold) this.#client.resume();
    if (clientTold && (clientSaid || this.#clientEnded)) this.#client.end();
    if (upstreamTold && (upstreamSaid || this.#upstreamEnded)) this.#upstream.end();
  }

  #closed(side: Side): void {
    if (this.#closing !== undefined) return this.#goneWhileClosing();
    if (this.#endedBy === undefined) return this.#broken(side);
    // What the upstream said last may still be on its way to the client; what it says now has nobody to go to.
    if (side === 'client') return this.#finish('complete', this.#endedBy);
    this.#client.end();
    this.#limitRest();
  }

  #broken(side: Side, failure?: UpstreamFailure): void {
    // A socket that breaks closes as well.
    if (this.#closing !== undefined || this.#endedBy !== undefined) return;
    if (side === 'client') return this.#finish('client-gone', side);
    this.#finish('upstream-failed', side, failure ?? this.#cutOff());
  }

  /** One side is gone; the other one may still be told. */
  #goneWhileClosing(): void {
    const client = this.#client;
    const upstream = this.#upstream;
    if (client.destroyed && upstream.destroyed) return this.#finish('shutdown', this.#closing);
    if (client.destroyed) upstream.end();
    else client.end();
  }

  #catchUp(): void {
    if (this.#client.readableEnded && !this.#clientEnded) this.#halfEnded('client');
    if (this.#upstream.readableEnded && !this.#upstreamEnded) this.#halfEnded('upstream');
    if (this.#client.destroyed) this.#closed('client');
    else if (this.#upstream.destroyed) this.#closed('upstream');
  }

  #cutOff(): UpstreamFailure {
    return { code: 'reset', detail: `${this.#origin}: closed within a tunnel` };
  }

  #finish(end: Completion['end'], closedBy: string | undefined, failure?: UpstreamFailure): void {
    const events = this.#events;
    if (events === undefined) return;
    this.#events = undefined;
    clearTimeout(this.#timer);
    this.#client.destroy();
    this.#upstream.destroy();
    events.ended({
      bytesToClient: this.#toClient.bytes,
      bytesToUpstream: this.#toUpstream.bytes,
      end,
      failure,
      closedBy,
    });
  }
}
