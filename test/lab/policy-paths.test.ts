/**
 * One path, many spellings: what policy has refused for a guarded path is not served as that path by any application that
 * can run here, each of which reads paths in its own way.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { freePort, waitForPort } from '../../lab/ports.ts';
import { startTestGateway, type TestGateway } from '../../packages/gateway/test/harness.ts';

const secret = 'what only administrators may see';

/** Spellings that somebody, somewhere, has read as `/admin/secret.txt`. */
const spellings = [
  '/admin/secret.txt',
  '/admin/secret.txt?x=/open',
  '/%61dmin/secret.txt',
  '/admin/%73ecret.txt',
  '/%61%64%6d%69%6e/secret.txt',
  '//admin/secret.txt',
  '/admin//secret.txt',
  '///admin///secret.txt',
  '/./admin/secret.txt',
  '/admin/./secret.txt',
  '/open/../admin/secret.txt',
  '/open/%2e%2e/admin/secret.txt',
  '/open/.%2e/admin/secret.txt',
  '/open/..;/admin/secret.txt',
  '/open/..;x=1/admin/secret.txt',
  '/open/..%3b/admin/secret.txt',
  '/open%2f..%2fadmin%2fsecret.txt',
  '/open/..%2fadmin/secret.txt',
  '/open/..%5cadmin/secret.txt',
  '/open/..\\admin\\secret.txt',
  '/admin%2fsecret.txt',
  '/admin%2Fsecret.txt',
  '/admin%5csecret.txt',
  '/admin%252fsecret.txt',
  '/%2561dmin/secret.txt',
  '/open/%252e%252e/admin/secret.txt',
  '/admin;/secret.txt',
  '/admin;x=1/secret.txt',
  '/;x/admin/secret.txt',
  '/admin/secret.txt;x',
  '/admin%3b/secret.txt',
  '/ADMIN/secret.txt',
  '/Admin/Secret.TXT',
  '/admin/secret.txt/',
  '/admin/secret.txt.',
  '/admin./secret.txt',
  '/admin%20/secret.txt',
  '/admin/secret.txt%20',
  '/admin/secret.txt%20.',
  '/open/..%20/admin/secret.txt',
  '/admin/secret.txt%00',
  '/admin/secret.txt%00.png',
  '/admin/secret.txt%0a',
  '/admin%09/secret.txt',
  '/%c0%afadmin/secret.txt',
  '/open/%c0%ae%c0%ae/admin/secret.txt',
  '/%e0%80%afadmin/secret.txt',
  '/admin\u2215secret.txt',
  '/adm%C4%B1n/secret.txt',
  '/adm%C4%B0n/secret.txt',
  '/admin/%C5%BFecret.txt',
  '/open/../../admin/secret.txt',
  '/../admin/secret.txt',
  '/admin/secret.txt#',
  '/admin/secret.txt%23',
  '/admin/secret.txt%3f',
  'http://other/admin/secret.txt',
  '*',
] as const;

/** Reads a path as carelessly as the promise of `decide` goes: parameters, case, dots and spaces at the end, slashes. */
const careless: RequestListener = (request, response) => {
  const decoded = decodeOnce(decodeOnce((request.url ?? '').split('?')[0] ?? ''));
  const plain = decoded
    .replace(/;[^/\\]*/g, '')
    .replaceAll('\\', '/')
    .replace(/\/+/g, '/');
  const names = new URL(plain, 'http://h').pathname.split('/').map((name) =>
    decodeOnce(name)
      .toUpperCase()
      .toLowerCase()
      .replace(/[. ]+$/, ''),
  );
  response.end(names.join('/').replace(/\/$/, '') === '/admin/secret.txt' ? secret : 'open');
};

/** As many hand-written file servers do. */
const joining: RequestListener = (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://h');
  response.end(normalize(decodeOnce(pathname)) === '/admin/secret.txt' ? secret : 'open');
};

function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface Reader {
  readonly name: string;
  readonly program?: string;
  start(root: string, folder: string): Promise<number>;
}

const programs: ChildProcess[] = [];
const servers: http.Server[] = [];

async function inNode(listener: RequestListener): Promise<number> {
  const server = http.createServer(listener);
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

async function run(
  program: string,
  args: readonly string[],
  port: number,
  env: NodeJS.ProcessEnv = {},
): Promise<number> {
  const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  programs.push(child);
  const started = await waitForPort('127.0.0.1', port, () => child.exitCode !== null);
  assert.ok(started, `${program} has not started`);
  return port;
}

const wsgi = `
import sys
from wsgiref.simple_server import make_server, WSGIRequestHandler
class Quiet(WSGIRequestHandler):
    def log_message(self, *a): pass
def app(environ, start):
    start('200 OK', [('Content-Type', 'text/plain')])
    return [sys.argv[2].encode() if environ['PATH_INFO'] == '/admin/secret.txt' else b'open']
make_server('127.0.0.1', int(sys.argv[1]), app, handler_class=Quiet).serve_forever()
`;

const readers: readonly Reader[] = [
  { name: 'careless', start: () => inNode(careless) },
  { name: 'node', start: () => inNode(joining) },
  {
    name: 'python-files',
    program: '/usr/bin/python3',
    async start(root) {
      const port = await freePort();
      return run(
        '/usr/bin/python3',
        ['-m', 'http.server', '--bind', '127.0.0.1', '--directory', root, String(port)],
        port,
      );
    },
  },
  {
    name: 'wsgiref',
    program: '/usr/bin/python3',
    async start() {
      const port = await freePort();
      return run('/usr/bin/python3', ['-c', wsgi, String(port), secret], port);
    },
  },
  {
    name: 'nginx',
    program: '/usr/sbin/nginx',
    async start(root, folder) {
      const port = await freePort();
      const file = join(folder, 'nginx.conf');
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${folder}/${name};`,
      );
      writeFileSync(
        file,
        `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events {}
http { access_log off; ${temporary.join(' ')} server { listen 127.0.0.1:${port}; root ${root}; } }
`,
      );
      return run('/usr/sbin/nginx', ['-p', folder, '-c', file], port);
    },
  },
  {
    name: 'apache',
    program: '/usr/sbin/apache2',
    async start(root, folder) {
      const port = await freePort();
      const file = join(folder, 'apache.conf');
      writeFileSync(
        file,
        `ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/apache.pid
ErrorLog ${folder}/apache.log
Mutex file:${folder}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
User www-data
Group www-data
Listen 127.0.0.1:${port}
AllowEncodedSlashes On
DocumentRoot ${root}
<Directory ${root}>
  Require all granted
</Directory>
`,
      );
      return run('/usr/sbin/apache2', ['-X', '-d', folder, '-f', file], port);
    },
  },
  {
    name: 'caddy',
    program: '/usr/bin/caddy',
    async start(root, folder) {
      const port = await freePort();
      const file = join(folder, 'Caddyfile');
      writeFileSync(
        file,
        `{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  root * ${root}
  file_server
}
`,
      );
      const home = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
      return run('/usr/bin/caddy', ['run', '--config', file, '--adapter', 'caddyfile'], port, home);
    },
  },
];

/** The body of the answer to exactly this target. */
function ask(
  port: number,
  host: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const path = target.replace(/[^!-~]/g, encodeURIComponent);
    http
      .get({ host: '127.0.0.1', port, path, headers: { Host: host, ...headers }, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve(body));
        response.on('error', reject);
      })
      .on('error', (error) => ('code' in error && error.code === 'ECONNRESET' ? resolve('') : reject(error)));
  });
}

suite('paths as applications read them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-paths-'));
  const root = join(folder, 'root');
  const ports = new Map<string, number>();
  const direct = new Map<string, number>();
  const present = readers.filter(({ program }) => program === undefined || existsSync(program));
  let gateway: TestGateway;

  before(async () => {
    for (const name of ['admin', 'open']) mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, 'admin', 'secret.txt'), secret);
    writeFileSync(join(root, 'open', 'index.html'), 'open');
    for (const path of [folder, root, join(root, 'admin'), join(root, 'open')]) chmodSync(path, 0o755);
    for (const reader of present) {
      const own = join(folder, reader.name);
      mkdirSync(own);
      ports.set(reader.name, await reader.start(root, own));
    }
    const app = (name: string, port: number): string => `
  - name: ${name}
    host: ${name}.test
    upstream: http://127.0.0.1:${port}
    rules:
      - { path: /admin/**, networks: 192.0.2.1, signed_in: true }
      - { path: /**, public: true }
  - name: open-${name}
    host: open-${name}.test
    upstream: http://127.0.0.1:${port}
    rules:
      - { path: /**, public: true }`;
    gateway = await startTestGateway({
      config: () => `
sign_in: [{ api_key: {} }]
apps:${[...ports].map(([name, port]) => app(name, port)).join('')}
`,
    });
  });

  after(async () => {
    for (const server of servers) server.close();
    for (const program of programs) {
      program.kill('SIGKILL');
      if (program.exitCode === null && program.signalCode === null) await once(program, 'exit');
    }
    await gateway.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const { name, program } of readers)
    test(`no spelling of a guarded path is served by ${name}`, {
      skip: program !== undefined && !existsSync(program) && `${program} is not there`,
    }, async () => {
      const port = ports.get(name) ?? assert.fail();
      const entrance = Number(new URL(gateway.origin).port);
      const passed: string[] = [];
      let unguarded = 0;
      for (const spelling of spellings) {
        const body = await ask(port, 'x', spelling);
        if (body.includes(secret)) direct.set(name, (direct.get(name) ?? 0) + 1);
        if ((await ask(entrance, `${name}.test`, spelling)).includes(secret)) passed.push(spelling);
        if ((await ask(entrance, `open-${name}.test`, spelling)).includes(secret)) unguarded++;
      }
      assert.deepEqual(passed, []);
      // Several spellings reach it, directly and through a gateway that guards nothing: so the test says something.
      assert.ok(
        (direct.get(name) ?? 0) >= 4 && unguarded >= 2,
        `${name}: ${direct.get(name)} directly, ${unguarded} through`,
      );
    });

  test('the careless application falls for most spellings when nobody stands before it', () => {
    assert.ok((direct.get('careless') ?? 0) > 30, String(direct.get('careless')));
  });
});
