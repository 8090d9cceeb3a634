/**
 * The reference acceptor: Apache with mod_auth_gssapi and MIT Kerberos, whose verdict on a token ours is compared with.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { directory, environment, paths } from './files.ts';
import { freePort, waitForPort } from './ports.ts';
import { shiftedClock } from './tokens.ts';
import { tail } from './processes.ts';

export interface ApacheOptions {
  /** Default: the keytab with the keys of all exported services. */
  readonly keytab?: string;
  /** False: one token is accepted any number of times. Default true. */
  readonly replayCache?: boolean;
  /** MIT's configuration for the acceptor, for instance one that forbids RC4. */
  readonly krb5Conf?: string;
  /** How far Apache's clock is ahead of ours. */
  readonly clockAheadSeconds?: number;
}

export interface ApacheVerdict {
  readonly status: number;
  /** Who signed on, as Apache names it: `alice@CORP.EXAMPLE`. */
  readonly user: string | undefined;
  /** What Apache answered in `WWW-Authenticate: Negotiate`. */
  readonly reply: Buffer | undefined;
}

export interface Apache {
  readonly port: number;
  /** Of Apache's first process; the others are its children. */
  readonly pid: number;
  /** Sends one token as `Authorization: Negotiate`. */
  submit(token: Uint8Array): Promise<ApacheVerdict>;
  /** The error log so far: MIT's reasons for refusing. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts Apache on a free loopback port, in a directory of its own that `stop` removes. It dies with this process. */
export async function startApache(options: ApacheOptions = {}): Promise<Apache> {
  mkdirSync(directory, { recursive: true });
  const root = mkdtempSync(join(directory, 'apache-'));
  const port = await freePort();
  writeConfiguration(root, port, options.keytab ?? paths.keytab);
  const env = environment({
    KRB5_CONFIG: options.krb5Conf ?? paths.krb5Conf,
    // A file of its own: MIT's default is one for the whole machine.
    KRB5RCACHENAME: options.replayCache === false ? 'none:' : `file2:${root}/rcache/replays`,
    ...(options.clockAheadSeconds === undefined ? {} : shiftedClock(options.clockAheadSeconds)),
  });
  const log = join(root, 'error.log');
  const output = openSync(log, 'a');
  const args = ['--pdeathsig', 'TERM', '/usr/sbin/apache2', '-f', join(root, 'httpd.conf'), '-DFOREGROUND'];
  const child = spawn('/usr/bin/setpriv', args, { env, stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = once(child, 'exit');
  if (child.pid === undefined) throw new Error('Cannot start Apache: setpriv is missing');

  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(root, { recursive: true, force: true });
  };
  if (!(await waitForPort('127.0.0.1', port, () => child.exitCode !== null))) {
    const end = tail(log);
    await stop();
    throw new Error(`Cannot start Apache: port ${port} stays closed; its log ends with\n${end}`);
  }
  return { port, pid: child.pid, submit: (token) => submit(port, token), log: () => readFileSync(log, 'utf8'), stop };
}

async function submit(port: number, token: Uint8Array): Promise<ApacheVerdict> {
  const authorization = `Negotiate ${Buffer.from(token).toString('base64')}`;
  // A connection of its own: mod_auth_gssapi keeps half-done sign-ons with the connection.
  const sent = request({ host: '127.0.0.1', port, agent: false, headers: { authorization } });
  sent.end();
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  sent.on('response', resolve).on('error', reject);
  const response = await promise;
  response.resume();
  await once(response, 'end');
  const user = response.headers['x-user'];
  const reply = /^Negotiate ([A-Za-z0-9+/=]+)$/.exec(response.headers['www-authenticate'] ?? '')?.[1];
  return {
    status: response.statusCode ?? 0,
    // Node reads header bytes as latin1; Apache wrote UTF-8.
    user: typeof user === 'string' ? Buffer.from(user, 'latin1').toString('utf8') : undefined,
    reply: reply === undefined ? undefined : Buffer.from(reply, 'base64'),
  };
}

function writeConfiguration(root: string, port: number, keytab: string): void {
  chmodSync(root, 0o755);
  for (const name of ['run', 'htdocs', 'rcache']) mkdirSync(join(root, name));
  const [uid, gid] = wwwData();
  chownSync(join(root, 'rcache'), uid, gid);
  const own = join(root, 'service.keytab');
  copyFileSync(keytab, own);
  chmodSync(own, 0o400);
  chownSync(own, uid, gid);
  writeFileSync(join(root, 'htdocs', 'index.html'), 'hello\n');
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'auth_gssapi', 'headers', 'dir', 'mime'];
  const lines = modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
  writeFileSync(
    join(root, 'httpd.conf'),
    `${lines.join('\n')}
ServerRoot ${root}
PidFile ${root}/run/httpd.pid
Mutex file:${root}/run
ServerName app.corp.example
Listen 127.0.0.1:${port}
User www-data
Group www-data
ErrorLog ${root}/error.log
DocumentRoot ${root}/htdocs
DirectoryIndex index.html
TypesConfig /etc/mime.types
LimitRequestFieldSize 65536
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
StartServers 1
<Directory />
  AuthType GSSAPI
  AuthName corp
  GssapiCredStore keytab:${own}
  GssapiAllowedMech krb5
  GssapiConnectionBound On
  Require valid-user
  Header always set X-User "expr=%{REMOTE_USER}" "expr=-n %{REMOTE_USER}"
</Directory>
`,
  );
}

function wwwData(): readonly [uid: number, gid: number] {
  const fields = /^www-data:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  if (fields === null) throw new Error('Cannot start Apache: this machine has no user www-data');
  return [Number(fields[1]), Number(fields[2])];
}
