import type { Socket } from 'node:net';
import type { EngineContext, OpenTunnel } from './engine-context.ts';
import type { Completion, Forward } from './exchange.ts';
import { report } from './report.ts';
import { startTunnel, type TunnelEnd, type TunnelEvents } from './tunnel.ts';

export interface TunnelParts {
  readonly client: Socket;
  readonly clientRest: Buffer;
  readonly upstream: Socket;
  readonly upstreamRest: Buffer;
  readonly startedAt: number;
}

/**
 * Joins the two sockets and tells the handler. Apart from the forwarding, whose request and response are not kept: what a
 * tunnel holds is held for hours.
 */
export function openTunnel(parts: TunnelParts, context: EngineContext, verdict: Forward): void {
  const events = new TunnelReport(context, parts.startedAt);
  const { client, clientRest, upstream, upstreamRest } = parts;
  const tunnel = startTunnel(client, clientRest, upstream, upstreamRest, events, verdict.upstream.origin);
  events.tunnel = tunnel;
  context.tunnels.add(tunnel);
  report(context, () => {
    events.listener = verdict.opened?.(tunnel);
  });
  if (verdict.ended !== undefined) events.listener ??= (completion) => verdict.ended?.(completion);
}

/** Hears the end of a tunnel for whoever asked for it. */
class TunnelReport implements TunnelEvents {
  tunnel: OpenTunnel | undefined;
  listener: ((completion: Completion) => void) | undefined;
  readonly #context: EngineContext;
  readonly #startedAt: number;

  constructor(context: EngineContext, startedAt: number) {
    this.#context = context;
    this.#startedAt = startedAt;
  }

  ended(end: TunnelEnd): void {
    const context = this.#context;
    if (this.tunnel !== undefined) context.tunnels.delete(this.tunnel);
    const durationMs = performance.now() - this.#startedAt;
    report(context, () => this.listener?.({ ...end, status: 101, durationMs }));
  }
}
