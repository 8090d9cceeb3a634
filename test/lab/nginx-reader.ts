/**
 * What nginx makes of bytes that we send: of requests, as a server, and of responses, as a proxy. Either way it passes on
 * what it has read in its own words.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { directory, environment } from '../../lab/files.ts';
import { freePort, waitForPort } from '../../lab/ports.ts';

const program = '/usr/sbin/nginx';

/** For `skip` of a suite: false, or the reason with what to do about it. */
export const withoutNginx: string | false =
  !existsSync(program) && 'nginx is not there: run "npm run lab:install" on Debian 12 as root';

/** A request as nginx has passed it on. */
export interface PassedOn {
  readonly line: string;
  readonly fields: readonly string[];
  readonly data: string;
}

/** A response as the client of an nginx has got it. */
export interface Delivered {
  readonly status: number;
  readonly data: string;
  /** nginx has not said that it broke off. */
  readonly complete: boolean;
}

export interface NginxReader {
  /**
   * Gives nginx these bytes of one connection; what it reads in them, and what it answers. `whole`: they end with a request
   * that closes the connection, else the connection ends behind them.
   */
  readRequests(
    bytes: Buffer,
    whole: boolean,
  ): Promise<{ readonly passed: readonly PassedOn[]; readonly answers: string }>;
  /** Asks nginx for what an upstream answers with these bytes; `closes`: and then closes the connection. */
  readResponse(bytes: Buffer, method: string, closes: boolean): Promise<Delivered>;
  stop(): Promise<void>;
}

/** Starts nginx with its backend on free loopback ports. It dies with this process. */
export async function startNginxReader(): Promise<NginxReader> {
  mkdirSync(directory, { recursive: true });
  const root = mkdtempSync(join(directory, 'nginx-'));
  const port = await freePort();
  const collector = new Collector();
  const replayer = new Replayer();
  const [collecting, replaying] = [await listen(collector.server), await listen(replayer.server)];
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    join(root, 'nginx.conf'),
    `user root; worker_processes 1; daemon off; pid ${root}/pid; error_log ${root}/error.log info;
events { worker_connections 256; }
http {
access_log off; keepalive_requests 1000000; keepalive_timeout 60s; client_max_body_size 0; client_body_buffer_size 1m;
client_header_buffer_size 128k; large_client_header_buffers 8 128k; underscores_in_headers on; ignore_invalid_headers off;
proxy_ignore_client_abort on; proxy_buffer_size 128k; proxy_buffers 8 128k; proxy_busy_buffers_size 256k;
${temporary.map((name) => `${name}_temp_path ${root}/${name};`).join('\n')}
server { listen 127.0.0.1:${port};
  location / { proxy_pass http://127.0.0.1:${collecting}; proxy_set_header Host $http_host; }
  location /replay/ { proxy_pass http://127.0.0.1:${replaying}; proxy_http_version 1.1; proxy_set_header Connection ''; }
} }
`,
  );
  const args = ['--pdeathsig', 'TERM', program, '-c', join(root, 'nginx.conf'), '-e', `${root}/error.log`];
  const child = spawn('/usr/bin/setpriv', args, { env: environment(), stdio: 'ignore' });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    for (const server of [collector.server, replayer.server]) server.close();
    rmSync(root, { recursive: true, force: true });
  };
  if (!(await waitForPort('127.0.0.1', port, () => child.exitCode !== null))) {
    await stop();
    throw new Error(`Cannot start nginx: port ${port} stays closed`);
  }
  return {
    async readRequests(bytes, whole) {
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      let answers = '';
      socket.on('data', (chunk) => {
        answers += chunk.toString('latin1');
      });
      // A reset is one way for nginx to end it.
      socket.on('error', () => {});
      const over = new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
      if (whole) socket.write(bytes);
      else socket.end(bytes);
      await over;
      socket.destroy();
      return { passed: collector.passed.splice(0), answers };
    },
    readResponse(bytes, method, closes) {
      replayer.next = { bytes, closes };
      return ask(port, method);
    },
    stop,
  };
}

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Where nginx passes requests to, one per connection, in HTTP/1.0 with a length. */
class Collector {
  readonly passed: PassedOn[] = [];
  readonly server = net.createServer((socket) => {
    let received = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const head = received.indexOf('\r\n\r\n');
      if (head < 0) return;
      const [line = '', ...lines] = received.slice(0, head).split('\r\n');
      const length = /\r\ncontent-length: (\d+)/i.exec(received.slice(0, head))?.[1] ?? '0';
      const data = received.slice(head + 4);
      if (data.length < Number(length)) return;
      const fields = lines.flatMap((field) => {
        const colon = field.indexOf(':');
        return [field.slice(0, colon), field.slice(colon + 2)];
      });
      this.passed.push({ line: line.replace(/ HTTP\/1\.0$/, ''), fields, data });
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
  });
}

/** An upstream that answers with given bytes, whatever it is asked. */
class Replayer {
  next: { readonly bytes: Buffer; readonly closes: boolean } | undefined;
  readonly server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      const { bytes, closes } = this.next ?? { bytes: Buffer.alloc(0), closes: true };
      if (closes) socket.end(bytes);
      else socket.write(bytes);
    });
  });
}

function ask(port: number, method: string): Promise<Delivered> {
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', method, path: '/replay/', agent: false });
    request.on('error', reject);
    request.on('response', (response) => {
      let data = '';
      response.setEncoding('latin1').on('data', (text: string) => {
        data += text;
      });
      response.on('error', () => {});
      response.on('close', () => resolve({ status: response.statusCode ?? 0, data, complete: response.complete }));
    });
    request.end();
  });
}
