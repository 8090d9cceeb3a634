/**
 * What the pods of examples/kubernetes find around them: the Secrets, made by the commands of docs/kubernetes.md; a Redis with
 * valkey.conf; and an LLM's stand-in that streams for as long as it is read.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encodeKeytab } from '@cardea/kerberos';
import { freePort } from '../../../lab/ports.ts';
import { attempt, run } from '../../../lab/processes.ts';
import { createAccount } from '../../../packages/kerberos/test/initiator.ts';
import { commandsWith, madeByHand } from './document.ts';
import { at, find, isRecord, listAt, type Manifest, textAt } from './objects.ts';

const root = join(import.meta.dirname, '../../..');
/** The `cardea` command. */
export const command: string = join(root, 'packages/gateway/bin/cardea.mjs');
const hosts = ['auth.corp.example', 'llm.corp.example'];
const redisServer = '/usr/bin/redis-server';

/** For `skip`: false, or the program that is missing. */
export const notHere: string | false =
  ![redisServer, '/usr/bin/openssl'].every((path) => existsSync(path)) &&
  'redis-server or openssl is not installed: run "npm run lab:install" on Debian 12 as root';

/** What a Secret or ConfigMap holds. */
export type Contents = Readonly<Record<string, Uint8Array>>;

export interface Stand {
  readonly folder: string;
  /** The Secrets and ConfigMaps that people make, by name. */
  readonly sources: ReadonlyMap<string, Contents>;
  readonly llm: Llm;
  readonly redis: RunningRedis;
  /** cardea.yaml with free ports in the place of fixed ones, and the addresses of what is here. */
  here(config: string): string;
  /** Asks the gateway at this address by one of its hosts. */
  ask(address: string, host: string, path: string, options?: Asked): Promise<Answer>;
  /** For requests of one's own: it knows the certificate of the gateway. */
  agent(host: string): Agent;
  close(): Promise<void>;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Starts all of it. `objects` are those of an overlay. */
export async function startStand(objects: readonly Manifest[]): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-kubernetes-'));
  const secrets = await makeSecrets(folder);
  const sources = new Map(
    [...madeByHand()].map(([name, keys]) => [
      name,
      Object.fromEntries([...keys].map(([key, file]) => [key, readFileSync(join(secrets, file))])),
    ]),
  );
  const contents = (source: string, key: string): Uint8Array => sources.get(source)?.[key] ?? new Uint8Array();
  const redis = await startRedis(folder, objects, contents);
  const llm = await startLlm();
  const ca = contents('cardea-tls', 'ca.crt');
  const agent = (host: string): Agent => new Agent({ ca: Buffer.from(ca), servername: host });
  return {
    folder,
    sources,
    llm,
    redis,
    agent,
    here: (config) =>
      config
        .replaceAll(/^ *#.*\n/gm, '')
        .replaceAll(/address: 0\.0\.0\.0:\d+/g, 'address: 127.0.0.1:0')
        .replace(/rediss:\S+/, `rediss://localhost:${redis.port}`)
        .replace(/http:\/\/llm\S+/, llm.url)
        // Nobody is there: the directory is down, and what needs no names of groups goes on.
        .replace(/ldaps:\S+/, 'ldaps://127.0.0.1:1'),
    async ask(address, host, path, { method = 'GET', headers = {} } = {}) {
      const own = agent(host);
      const outgoing = request(`https://${address}${path}`, {
        method,
        agent: own,
        headers: { Host: host, ...headers },
      });
      outgoing.end();
      const [response] = await once(outgoing, 'response');
      let body = '';
      for await (const chunk of response) body += String(chunk);
      own.destroy();
      return { status: response.statusCode, headers: response.headers, body };
    },
    close: async () => {
      llm.close();
      await redis.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs the commands of the document, and adds what comes from elsewhere. */
async function makeSecrets(folder: string): Promise<string> {
  symlinkSync(join(root, 'examples'), join(folder, 'examples'));
  // npx finds cardea where the repository is; here it is named.
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${command}' "$@"\n`);
  // The document gives it ten seconds, for want of a better sign; here it ends when the file is there.
  const patience = 'for i in $(seq 600); do [ -s keys.json ] && break; sleep 0.1; done';
  writeFileSync(join(folder, 'bin/timeout'), `#!/bin/sh\nshift\n"$@" & ${patience}\nkill $!\nwait $!\n`);
  for (const name of ['npx', 'timeout']) chmodSync(join(folder, 'bin', name), 0o755);
  const commands = commandsWith('npx cardea serve make-keys.yaml')
    // Here it is reached by another name.
    .replace('subjectAltName=DNS:', 'subjectAltName=DNS:localhost,DNS:');
  const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` };
  await run('/bin/bash', ['-e', '-c', commands.replace('; ls keys.json', ' || ls keys.json')], { cwd: folder, env });
  const secrets = join(folder, 'secrets');
  const names = hosts.map((host) => `DNS:${host}`).join(',');
  const subject = ['-subj', '/CN=gateway', '-addext', `subjectAltName=${names}`, '-days', '30'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  await run('/usr/bin/openssl', ['req', '-x509', ...kind, ...subject, '-keyout', 'tls.key', '-out', 'tls.crt'], {
    cwd: secrets,
  });
  const certificate = readFileSync(join(secrets, 'tls.crt'));
  const elsewhere: Contents = {
    'ca.crt': certificate,
    'corp-ca.pem': certificate,
    'http.keytab': encodeKeytab(createAccount({ names: hosts.map((host) => `HTTP/${host}`) }).entries),
    'ldap-password': Buffer.from('of-the-directory'),
    'llm-key': Buffer.from('of-the-llm\n'),
  };
  for (const [name, value] of Object.entries(elsewhere)) writeFileSync(join(secrets, name), value);
  return secrets;
}

/** Writes files, and the folders that they lie in. */
export function writeFiles(folder: string, contents: Contents): void {
  for (const [name, value] of Object.entries(contents)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), value);
  }
}

export interface RunningRedis {
  readonly port: number;
  /** Runs a command of the StatefulSet's probes. */
  probe(): Promise<number | null>;
  stop(): Promise<void>;
}

/** redis-server with valkey.conf and users.acl, and other paths. */
async function startRedis(
  folder: string,
  objects: readonly Manifest[],
  contents: (source: string, key: string) => Uint8Array,
): Promise<RunningRedis> {
  const place = join(folder, 'valkey');
  const port = await freePort();
  const moved = (text: string): string => text.replaceAll(/(?<= )(?=\/(?:run|data))/g, place);
  writeFiles(join(place, 'run/secrets/valkey'), { 'users.acl': contents('valkey-auth', 'users.acl') });
  for (const key of ['tls.crt', 'tls.key', 'ca.crt'])
    writeFiles(join(place, 'run/tls/valkey'), { [key]: contents('valkey-tls', key) });
  mkdirSync(join(place, 'data'));
  const config = textAt(find(objects, 'ConfigMap', 'valkey-config'), 'data', 'valkey.conf');
  const file = join(place, 'valkey.conf');
  writeFileSync(file, moved(config).replace('tls-port 6379', `tls-port ${port}`));
  const child = spawn(redisServer, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  const ended = once(child, 'exit');

  const container = listAt(find(objects, 'StatefulSet', 'valkey'), 'spec', 'template', 'spec', 'containers')[0];
  const [shell, flag, text] = listAt(container, 'readinessProbe', 'exec', 'command').map(String);
  const asked = moved(text ?? '')
    .replace('valkey-cli', 'redis-cli')
    .replace('-p 6379', `-p ${port}`);
  const probe = async (): Promise<number | null> => (await attempt(`/bin/${shell}`, [flag ?? '', asked])).status;
  const end = Date.now() + 60_000;
  while ((await probe()) !== 0) {
    if (child.exitCode === null && Date.now() < end) continue;
    child.kill('SIGKILL');
    throw new Error(`Cannot start Redis: ${said}`);
  }
  return {
    port,
    probe,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

export interface Llm {
  readonly url: string;
  /** Head fields of each request. */
  readonly seen: readonly IncomingHttpHeaders[];
  close(): void;
}

/** Answers with an event every 50 ms until nobody reads any more. */
async function startLlm(): Promise<Llm> {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((incoming, response) => {
    seen.push(incoming.headers);
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const timer = setInterval(() => response.write('data: word\n\n'), 50);
    response.on('close', () => clearInterval(timer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const where = server.address();
  return {
    url: `http://127.0.0.1:${isRecord(where) ? String(at(where, 'port')) : '0'}`,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export interface RunningGateway {
  /** Where people are served, and machines. */
  readonly address: string;
  readonly admin: string;
  readonly log: () => string;
  readonly ended: Promise<number | null>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** Waits until a gateway listens. Throws with its log when it ends before that. */
export async function listening(child: ChildProcess): Promise<RunningGateway> {
  let log = '';
  child.stderr?.on('data', (text: Buffer) => (log += text.toString()));
  child.stdout?.resume();
  const ended = once(child, 'exit').then(([status]: unknown[]) => (typeof status === 'number' ? status : null));
  const line = await new Promise<unknown>((resolve, reject) => {
    child.stderr?.on('data', () => {
      const found = log.split('\n').find((one) => one.includes('"Cardea is listening"') && one.endsWith('}'));
      if (found !== undefined) resolve(JSON.parse(found));
    });
    void ended.then(() => reject(new Error(`The gateway has ended before it listened:\n${log}`)));
  });
  return {
    address: String(listAt(line, 'addresses')[0]),
    admin: textAt(line, 'admin'),
    log: () => log,
    ended,
    kill: (signal) => void child.kill(signal),
  };
}
