/**
 * nginx as upstream, and as the proxy that Cardea is compared with.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../lab/ports.ts';
import type { Side } from './cores.ts';
import { openFilesLimit } from './memory.ts';
import { type Server, startServer } from './programs.ts';
import type { ProxyOptions } from './proxy-options.ts';

export const nginxPath = '/usr/sbin/nginx';

/** What a model's API answers to a short question, with what it has cost. */
const chatAnswer = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'small-echo',
  choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(700) }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 120, completion_tokens: 180, total_tokens: 300 },
});

/** Answers `/1k` and `/v1/chat/completions` from memory, `/100k` and `/10m` from files. */
export async function startUpstream(
  folder: string,
  { side, threads }: Pick<ProxyOptions, 'side' | 'threads'> = {},
): Promise<Server> {
  const root = join(folder, 'files');
  mkdirSync(root);
  writeFileSync(join(root, '100k'), randomBytes(100 * 1024));
  writeFileSync(join(root, '10m'), randomBytes(10 * 1024 * 1024));
  return startNginx(folder, { side: side ?? 'around', threads, relays: false }, (port) => [
    `server { listen 127.0.0.1:${port} backlog=1024 reuseport; root ${root}; default_type application/octet-stream;`,
    `  location = /1k { return 200 "${'x'.repeat(1024)}"; }`,
    `  location = /v1/chat/completions { default_type application/json; return 200 '${chatAnswer}'; }`,
    '}',
  ]);
}

/** Answers everything with 200 and no body, as the authority that costs the least. */
export const startYes = (folder: string): Promise<Server> =>
  startNginx(folder, { side: 'measured', relays: false }, (port) => [
    `server { listen 127.0.0.1:${port} backlog=1024; location / { return 200 ""; } }`,
  ]);

/** Proxies everything; when `asked`, after an `auth_request` to another server of the same nginx. */
export async function startNginxProxy(
  { folder, upstreamPort, tls, side, threads, relays }: ProxyOptions,
  asked: boolean,
): Promise<Server> {
  const authority = await freePort();
  const ssl = tls === undefined ? '' : ' ssl';
  return startNginx(folder, { side: side ?? 'measured', threads, relays }, (port) => [
    `upstream app { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000; }`,
    `upstream authority { server 127.0.0.1:${authority}; keepalive 128; keepalive_requests 1000000; }`,
    "map $http_upgrade $upstream_connection { default upgrade; '' ''; }",
    'proxy_http_version 1.1; proxy_read_timeout 1h; proxy_send_timeout 1h; client_max_body_size 0;',
    // Streams, as Cardea makes them: by default nginx writes what one side is too slow for to disk.
    'proxy_max_temp_file_size 0; proxy_request_buffering off;',
    `server { listen 127.0.0.1:${authority} backlog=1024; location / { return 204; } }`,
    `server { listen 127.0.0.1:${port}${ssl} backlog=1024${threads === undefined ? '' : ' reuseport'};`,
    ...(tls === undefined
      ? []
      : [`  ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3;`]),
    '  location / {',
    ...(asked ? ['    auth_request /authority; auth_request_set $user $upstream_http_x_user;'] : []),
    '    proxy_pass http://app;',
    '    proxy_set_header Host $host;',
    '    proxy_set_header X-Forwarded-For $remote_addr;',
    '    proxy_set_header X-Forwarded-Proto $scheme;',
    ...(asked ? ['    proxy_set_header X-Authenticated-User $user;'] : []),
    ...(relays === true
      ? [
          '    proxy_buffering off;',
          '    proxy_set_header Upgrade $http_upgrade;',
          '    proxy_set_header Connection $upstream_connection;',
        ]
      : ['    proxy_set_header Connection "";']),
    '  }',
    '  location = /authority { internal; proxy_pass http://authority/; proxy_pass_request_body off;',
    '    proxy_set_header Content-Length ""; proxy_set_header Connection ""; }',
    '}',
  ]);
}

async function startNginx(
  folder: string,
  { side, threads = 1, relays }: Pick<ProxyOptions, 'threads' | 'relays'> & { readonly side: Side },
  http: (port: number) => readonly string[],
): Promise<Server> {
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const file = join(folder, `nginx-${side}.conf`);
  // More than there can be: when they become few, nginx closes some that are kept.
  const connections = relays === true ? 65_536 : 4_096;
  writeFileSync(
    file,
    `worker_processes ${threads}; worker_rlimit_nofile ${openFilesLimit()}; daemon off; pid ${folder}/nginx-${side}.pid; error_log stderr warn;
events { worker_connections ${connections}; }
http {
access_log off; keepalive_requests 1000000; keepalive_timeout 1h; sendfile on; tcp_nopush on;
${temporary.map((name) => `${name}_temp_path ${folder}/${side}-${name};`).join('\n')}
${http(port).join('\n')}
}
`,
  );
  return startServer(nginxPath, ['-c', file, '-p', folder, '-e', 'stderr'], { side, port });
}
