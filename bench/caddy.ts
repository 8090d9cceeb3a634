import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../lab/ports.ts';
import { type Server, startServer } from './programs.ts';
import type { ProxyOptions } from './proxy-options.ts';

export const caddyPath = '/usr/bin/caddy';

/** Caddy proxying everything; when `asked`, after a `forward_auth` to another site of the same Caddy. */
export async function startCaddy({ folder, upstreamPort, side }: ProxyOptions, asked: boolean): Promise<Server> {
  const port = await freePort();
  const authority = await freePort();
  // By default it keeps 32 connections to an upstream, and would connect anew for half of the clients.
  const kept = 'transport http {\n      keepalive_idle_conns_per_host 128\n    }';
  const file = join(folder, 'Caddyfile');
  writeFileSync(
    file,
    `{
  admin off
  auto_https off
  grace_period 1s
}
http://:${port} {
  bind 127.0.0.1
${asked ? `  forward_auth 127.0.0.1:${authority} {\n    uri /\n    copy_headers X-User\n    ${kept}\n  }\n` : ''}  reverse_proxy 127.0.0.1:${upstreamPort} {
    ${kept}
  }
}
http://:${authority} {
  bind 127.0.0.1
  respond 204
}
`,
  );
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  return startServer(caddyPath, ['run', '--config', file, '--adapter', 'caddyfile'], {
    side: side ?? 'measured',
    env,
    port,
  });
}
