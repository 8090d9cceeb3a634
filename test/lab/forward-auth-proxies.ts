/**
 * The proxies of `examples/forward-auth`, each with the very file that users copy: only its ports are replaced,
 * 8443 (where it listens), 8080 (Cardea), 9191 (Cardea for gRPC) and 3000 (the app).
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment } from '../../lab/files.ts';
import { freePort, waitForPort } from '../../lab/ports.ts';
import { wheelProgram } from '../../lab/wheels.ts';

export const proxyNames = ['nginx', 'caddy', 'haproxy', 'envoy', 'envoy-grpc', 'traefik', 'apache'] as const;
export type ProxyName = (typeof proxyNames)[number];

export interface Ports {
  readonly cardea: number;
  /** Cardea's address for gRPC, where it has one. */
  readonly grpc?: number | undefined;
  readonly app: number;
}

export interface RunningProxy {
  readonly port: number;
  /** What it has written. */
  said(): string;
  stop(): Promise<void>;
}

const examples = join(import.meta.dirname, '../../examples/forward-auth');

const envoy = [
  wheelProgram('envoy'),
  '-c',
  'envoy.yaml',
  '--concurrency',
  '1',
  '--disable-hot-restart',
  '-l',
  'warn',
] as const;

/** How each is started, in a folder with its files. */
const commands: Readonly<Record<ProxyName, readonly [program: string, ...args: readonly string[]]>> = {
  nginx: ['/usr/sbin/nginx', '-p', '.', '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off; pid nginx.pid;'],
  caddy: ['/usr/bin/caddy', 'run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
  haproxy: ['/usr/sbin/haproxy', '-db', '-f', 'haproxy.cfg'],
  envoy,
  'envoy-grpc': envoy,
  traefik: [wheelProgram('traefik'), '--configfile=traefik.yaml'],
  // Apache finds no place for its own files without these.
  apache: [
    '/usr/sbin/apache2',
    '-DFOREGROUND',
    '-d',
    '.',
    '-f',
    'httpd.conf',
    '-c',
    'PidFile httpd.pid',
    '-c',
    'Mutex sem default',
    '-c',
    'ErrorLog error.log',
    '-c',
    'User www-data',
    '-c',
    'Group www-data',
  ],
};

/** Programs that are not on this machine. */
export const missingProxies = (): readonly ProxyName[] => proxyNames.filter((name) => !existsSync(commands[name][0]));

/** For `skip` of a suite. */
export function reasonToSkipProxies(): string | false {
  const missing = missingProxies();
  return missing.length > 0 && `${missing.join(', ')} missing: run "npm run lab:install" on Debian 12 as root`;
}

/** Starts one on a free port. It dies with this process. `change`: its files, when they are to differ from the example. */
export async function startProxy(
  name: ProxyName,
  { cardea, grpc, app }: Ports,
  change = (text: string): string => text,
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), `cardea-${name}-`));
  cpSync(join(examples, name), folder, { recursive: true });
  const port = await freePort();
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    const text = change(readFileSync(path, 'utf8'));
    writeFileSync(
      path,
      text.replaceAll(/\b(?:8443|8080|9191|3000)\b/g, (was) =>
        String(was === '8443' ? port : was === '8080' ? cardea : was === '9191' ? grpc : app),
      ),
    );
  }
  const [program, ...args] = commands[name];
  const absolute = args.map((arg) => (arg === '.' ? folder : arg.replace(/^(\w+\.(?:conf|pid))$/, `${folder}/$1`)));
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', program, ...absolute], {
    cwd: folder,
    env: environment({ HOME: folder }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // leads a group of its own, so that its workers can be ended with it
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk));
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    // Apache may wait for a worker whose tunnel has just ended. Killed alone, it would leave that one with our pipes for a minute.
    const patience = setTimeout(() => endGroup(child.pid), 1_000);
    await ended;
    clearTimeout(patience);
    endGroup(child.pid);
    // What was killed may be about to write its last file.
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  if (!(await waitForPort('127.0.0.1', port, () => child.exitCode !== null))) {
    await stop();
    throw new Error(`Cannot start ${name}: port ${port} stays closed; it says\n${said}`);
  }
  return { port, said: () => said, stop };
}

/** Ends a program and everything that it has started, if anything of it is left. */
function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
