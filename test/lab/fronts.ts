/**
 * What may stand in front of a gateway, and be wrong: a real nginx, and something that still speaks TLS 1.0.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { waitForPort } from '../../lab/ports.ts';
import type { Pair } from './deployment.ts';

export interface Front {
  close(): Promise<void>;
}

/** nginx with TLS at this port of 127.0.0.1; `directives` are those of its one location, beside `proxy_pass`. */
export async function startNginx(
  port: number,
  upstream: string,
  { cert, key }: Pair,
  directives: string,
): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-doctor-nginx-'));
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1; user root;
events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate cert.pem; ssl_certificate_key key.pem;
    location / { proxy_pass ${upstream}; proxy_set_header Host $http_host; ${directives} }
  }
}
`,
  );
  const child = spawn('/usr/sbin/nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const over = (): boolean => child.exitCode !== null;
  if (!(await waitForPort('127.0.0.1', port, over, 10_000))) throw new Error('nginx did not open its port');
  return {
    async close() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Nginx's directives that let an upgrade through. */
export const passesUpgrades =
  'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;';

/** Ends TLS of any version, and hands on what comes to a TLS port. */
export async function startOldTls(port: number, target: number, pair: Pair): Promise<Front> {
  const open = new Set<TLSSocket>();
  const server = createServer({ ...pair, minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' }, (client) => {
    const onward = connect({
      port: target,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      servername: client.servername || '',
    });
    for (const socket of [client, onward]) {
      open.add(socket);
      socket.on('error', () => {
        client.destroy();
        onward.destroy();
      });
      socket.on('close', () => open.delete(socket));
    }
    client.pipe(onward).pipe(client);
  });
  server.on('tlsClientError', () => {});
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    async close() {
      for (const socket of open) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
