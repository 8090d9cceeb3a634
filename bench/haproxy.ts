import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../lab/ports.ts';
import { type Server, startServer } from './programs.ts';
import type { ProxyOptions } from './proxy-options.ts';

export const haproxyPath = '/usr/sbin/haproxy';

/** HAProxy with one thread, proxying everything and asking nobody. */
export async function startHaproxy({ folder, upstreamPort, tls, side, relays }: ProxyOptions): Promise<Server> {
  const port = await freePort();
  const both = join(folder, 'haproxy.pem');
  if (tls !== undefined) writeFileSync(both, readFileSync(tls.cert, 'utf8') + readFileSync(tls.key, 'utf8'));
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  nbthread 1
  no strict-limits # it would ask for two open files per connection, which idle ones do not need
  maxconn 20000
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  timeout http-keep-alive 1h
  option forwardfor
  http-reuse always
${relays === true ? '  option http-no-delay # by default it holds small chunks back, to send fewer packets' : ''}
frontend front
  bind 127.0.0.1:${port} backlog 1024${tls === undefined ? '' : ` ssl crt ${both} alpn http/1.1`}
  http-request set-header X-Forwarded-Proto ${tls === undefined ? 'http' : 'https'}
  default_backend app
backend app
  server app 127.0.0.1:${upstreamPort}
`,
  );
  return startServer(haproxyPath, ['-db', '-q', '-f', file], { side: side ?? 'measured', port });
}
