/**
 * nginx as upstream, and as the proxy that Cardea is compared with.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isListening } from '../lab/processes.ts';
import { freePort, type Program, type Side, startProgram } from './programs.ts';

export const nginxPath = '/usr/sbin/nginx';

export interface Nginx extends Program {
  readonly port: number;
}

/** One worker, answering `/1k` from memory, `/100k` and `/10m` from files. */
export async function startUpstream(folder: string): Promise<Nginx> {
  const root = join(folder, 'files');
  mkdirSync(root);
  writeFileSync(join(root, '100k'), randomBytes(100 * 1024));
  writeFileSync(join(root, '10m'), randomBytes(10 * 1024 * 1024));
  return startNginx(folder, 'around', (port) => [
    `server { listen 127.0.0.1:${port} backlog=1024; root ${root}; default_type application/octet-stream;`,
    `  location = /1k { return 200 "${'x'.repeat(1024)}"; }`,
    '}',
  ]);
}

/** One worker: `/plain/` is proxied, `/asked/` after an `auth_request` to another server of the same nginx. */
export async function startProxy(folder: string, upstreamPort: number): Promise<Nginx> {
  const authority = await freePort();
  const pass = [
    'proxy_pass http://app/;',
    'proxy_set_header Host $host;',
    'proxy_set_header X-Forwarded-For $remote_addr;',
    'proxy_set_header X-Forwarded-Proto $scheme;',
    'proxy_set_header Connection "";',
  ];
  return startNginx(folder, 'measured', (port) => [
    `upstream app { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000; }`,
    `upstream authority { server 127.0.0.1:${authority}; keepalive 128; keepalive_requests 1000000; }`,
    'proxy_http_version 1.1;',
    'proxy_max_temp_file_size 0;', // a stream, as Cardea makes it; by default nginx writes what the client is too slow for to disk
    `server { listen 127.0.0.1:${authority} backlog=1024; location / { return 204; } }`,
    `server { listen 127.0.0.1:${port} backlog=1024;`,
    `  location /plain/ { ${pass.join(' ')} }`,
    '  location /asked/ {',
    '    auth_request /authority; auth_request_set $user $upstream_http_x_user;',
    `    ${pass.join(' ')} proxy_set_header X-Authenticated-User $user; }`,
    '  location = /authority { internal; proxy_pass http://authority/; proxy_pass_request_body off;',
    '    proxy_set_header Content-Length ""; proxy_set_header Connection ""; }',
    '}',
  ]);
}

async function startNginx(folder: string, side: Side, http: (port: number) => readonly string[]): Promise<Nginx> {
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const file = join(folder, `nginx-${side}.conf`);
  writeFileSync(
    file,
    `worker_processes 1; daemon off; pid ${folder}/nginx-${side}.pid; error_log stderr warn;
events { worker_connections 4096; }
http {
access_log off; keepalive_requests 1000000; sendfile on; tcp_nopush on;
${temporary.map((name) => `${name}_temp_path ${folder}/${side}-${name};`).join('\n')}
${http(port).join('\n')}
}
`,
  );
  const program = startProgram(nginxPath, ['-c', file, '-p', folder, '-e', 'stderr'], { side });
  let said = '';
  program.child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_000)));
  program.child.stdout?.resume();
  const deadline = Date.now() + 10_000;
  while (!(await isListening('127.0.0.1', port))) {
    if (program.child.exitCode !== null || Date.now() > deadline) {
      await program.stop();
      throw new Error(`Cannot start nginx:\n${said}`);
    }
    await delay(25); // another program's port: there is no event to wait for
  }
  return { ...program, port };
}
