import type { Socket } from 'node:net';
import type { EngineContext, OpenTunnel } from './engine-context.ts';
import type { Forward } from './exchange.ts';
import { report } from './report.ts';
import { startTunnel } from './tunnel.ts';

export interface TunnelParts {
  readonly client: Socket;
  readonly clientRest: Buffer;
  readonly upstream: Socket;
  readonly upstreamRest: Buffer;
  readonly startedAt: number;
}

/**
 * Joins the two sockets and tells the handler. Apart from the forwarding, and keeping only `ended`: what a tunnel holds is
 * held for hours, and request and response are not among it.
 */
export function openTunnel(parts: TunnelParts, context: EngineContext, { ended, opened, upstream }: Forward): void {
  const { startedAt } = parts;
  const tunnel: OpenTunnel = startTunnel(
    parts.client,
    parts.clientRest,
    parts.upstream,
    parts.upstreamRest,
    {
      ended(end) {
        context.tunnels.delete(tunnel);
        const durationMs = performance.now() - startedAt;
        report(context, () => ended?.({ ...end, status: 101, durationMs }));
      },
    },
    upstream.origin,
  );
  context.tunnels.add(tunnel);
  report(context, () => opened?.(tunnel));
}
