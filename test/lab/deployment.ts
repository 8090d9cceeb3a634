/**
 * A whole deployment that is sound: gateway with TLS, app, Redis, directory, provider, DNS. Each part of it can be made wrong for
 * one look of `cardea doctor`, and is right again afterwards.
 *
 * @module
 */
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { baseDn, servicePassword } from '../../lab/domain.ts';
import { address as controller, paths } from '../../lab/files.ts';
import { run } from '../../lab/processes.ts';
import { startGateway } from '../../packages/gateway/src/app/gateway.ts';
import { runCli } from '../../packages/gateway/src/cli/run.ts';
import { Screen } from '../../packages/gateway/src/cli/testing.ts';
import { loadConfig } from '../../packages/gateway/src/config/load.ts';
import { startOidcProvider, type TestProvider } from '../../packages/gateway/test/oidc-provider.ts';
import { startRedis } from '../../packages/gateway/test/redis.ts';
import { freePort } from '../../lab/ports.ts';
import { type NameServer, startNameServer } from './name-server.ts';
import { makeServiceAccount, type ServiceAccount } from './service-account.ts';

export const host = 'doctor.corp.example';
const alias = 'doctor-a.corp.example';

/** What a finding looks like in `--json`. */
export interface Reported {
  readonly id: string;
  readonly verdict: 'pass' | 'fail' | 'unknown';
  readonly about: string;
  readonly tried: string;
  readonly seen: string;
  readonly todo?: string;
}

/** What came of one run of the command. */
export interface Look {
  readonly status: number;
  readonly findings: readonly Reported[];
  /** Ids of what failed, each once, in order. */
  readonly failed: readonly string[];
  readonly unknown: readonly string[];
  readonly text: string;
}

/** What is wrong for one look. */
export interface Wrong {
  /** Changes the configuration, for the gateway and for doctor. */
  readonly config?: (text: string) => string;
  /** Changes it for doctor alone: the gateway was not restarted. */
  readonly configOfDoctor?: (text: string) => string;
  /** Other contents of files. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Where the app listens. */
  readonly appAt?: string | false;
  /** Another Redis, started with these arguments. */
  readonly redis?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Further arguments. */
  readonly args?: readonly string[];
  /** Browsers do not know the authority. */
  readonly unknownCa?: boolean;
  /** How wrong the clock of this machine is. */
  readonly aheadMs?: number;
  /** Done when all runs, `here` in the folder of this look; gives what undoes it, and perhaps further arguments. */
  readonly plant?: (at: {
    readonly here: string;
    readonly redis: string;
  }) => Promise<{ readonly undo: () => Promise<void>; readonly args?: readonly string[] }>;
}

export interface Deployment {
  readonly folder: string;
  readonly ports: { readonly gateway: number; readonly admin: number; readonly app: number };
  readonly account: ServiceAccount;
  readonly names: NameServer;
  readonly provider: TestProvider;
  /** An address of this machine that others can reach. */
  readonly machine: string;
  readonly secrets: readonly string[];
  /** A certificate of the test's own authority. */
  readonly certificate: (options: { readonly name?: string; readonly expired?: boolean }) => Promise<Pair>;
  /** Starts everything, with what is wrong, runs the command, and stops everything. */
  look(wrong?: Wrong): Promise<Look>;
  close(): Promise<void>;
}

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Prepares one. Nothing runs but what is the same for all looks. */
export async function prepareDeployment(): Promise<Deployment> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-doctor-'));
  const [gateway, admin, app] = [await freePort(), await freePort(), await freePort()];
  const account = await makeServiceAccount('svc-doctor', [`HTTP/${host}`, `HTTP/${alias}`]);
  const names = await startNameServer();
  names.set(host, 'A', '127.0.0.1');
  names.set(alias, 'A', '127.0.0.1');
  const provider = await startOidcProvider({ clientId: 'cardea', gateway: `https://${host}`, id: 'corp' });
  const authority = await makeAuthority(folder);
  const pair = await authority.issue({});
  const machine = otherAddress();
  // One for all looks: a gateway waits two seconds until a new one counts.
  const usualRedis = await startRedis(['--appendonly', 'yes']);
  let serial = 0;

  const sound = (): string => `
listen: { address: "0.0.0.0:${gateway}", tls: { cert: tls.pem, key: tls.key } }
admin: { address: "127.0.0.1:${admin}" }
state: ./state
threads: 1
redis: { url: "REDIS", prefix: doctor }
sign_in:
  - negotiate: { keytab: http.keytab }
  - oidc: { id: corp, issuer: "${provider.issuer}", client_id: cardea, client_secret: "\${env:CLIENT_SECRET}", groups_from: directory }
directory: { ldap: { url: "ldaps://${controller}", ca: ${paths.ca}, bind: { user: svc-cardea@corp.example, password: "\${env:LDAP_PASSWORD}" }, base: "${baseDn}" } }
roles:
  analyst: { groups: [team-ai], modules: [Reports] }
apps:
  - name: desk
    host: ${host}
    upstream: http://127.0.0.1:${app}
    response_headers: { security: missing }
    rules:
      - { path: /reports/**, module: Reports }
      - { path: /**, signed_in: true }
`;
  const env = { LDAP_PASSWORD: servicePassword, CLIENT_SECRET: 'a-client-secret-of-doctor' };

  async function look(wrong: Wrong = {}): Promise<Look> {
    const here = join(folder, `look-${serial++}`);
    const state = join(here, 'state');
    await run('/bin/mkdir', ['-p', '-m', '700', here, state]);
    const closers: (() => Promise<void>)[] = [];
    try {
      const redis = wrong.redis === undefined ? usualRedis : await startRedis(wrong.redis);
      if (redis !== usualRedis) closers.push(() => redis.close());
      const files = {
        'tls.pem': pair.cert,
        'tls.key': pair.key,
        'http.keytab': await account.keytab(),
        ...wrong.files,
      };
      for (const [name, contents] of Object.entries(files)) writeFileSync(join(here, name), contents, { mode: 0o600 });
      const text = (wrong.config ?? ((same) => same))(sound()).replace('REDIS', redis.url);
      writeFileSync(join(here, 'cardea.yaml'), text);
      if (wrong.appAt !== false) closers.push(await startApp(wrong.appAt ?? '127.0.0.1', app));
      const all = { ...env, ...wrong.env };
      closers.push(await startFrom(join(here, 'cardea.yaml'), all));
      const planted = await wrong.plant?.({ here, redis: redis.url.replace('unix:', '') });
      if (planted !== undefined) closers.push(planted.undo);
      writeFileSync(join(here, 'cardea.yaml'), (wrong.configOfDoctor ?? ((same) => same))(text));
      const args = [
        ...(wrong.unknownCa === true ? [] : ['--ca', join(folder, 'ca.pem')]),
        '--dns',
        names.address,
        ...(wrong.args ?? []),
        ...(planted?.args ?? []),
      ];
      return await runDoctor(['cardea.yaml', ...args], here, all, wrong.aheadMs ?? 0);
    } finally {
      for (const close of closers.toReversed()) await close();
    }
  }

  return {
    folder,
    ports: { gateway, admin, app },
    account,
    names,
    provider,
    machine,
    secrets: Object.values(env),
    certificate: (options) => authority.issue(options),
    look,
    async close() {
      await account.remove();
      await names.close();
      await provider.close();
      await usualRedis.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs `cardea doctor --json` with these arguments. */
export async function runDoctor(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
  aheadMs = 0,
): Promise<Look> {
  const [stdout, stderr] = [new Screen(), new Screen()];
  const status = await runCli(['doctor', ...args, '--json'], {
    serve: async () => {},
    terminal: { stdin: new PassThrough(), stdout, stderr, env, cwd, version: '0', now: () => Date.now() + aheadMs },
  });
  if (stdout.text === '') throw new Error(`doctor has said nothing but: ${stderr.text}`);
  const { findings }: { readonly findings: readonly Reported[] } = JSON.parse(stdout.text);
  const ids = (verdict: Reported['verdict']): readonly string[] =>
    [...new Set(findings.filter((one) => one.verdict === verdict).map(({ id }) => id))].sort();
  return { status, findings, failed: ids('fail'), unknown: ids('unknown'), text: stdout.text + stderr.text };
}

/** A gateway in this process, also with a configuration that `cardea serve` would not start with: it was right when it started. */
async function startFrom(file: string, env: Readonly<Record<string, string>>): Promise<() => Promise<void>> {
  const loaded = loadConfig(file, { env, now: Date.now() });
  const usable = loaded.kind === 'ok' ? loaded : loaded.faulty;
  if (usable === undefined) throw new Error(JSON.stringify(loaded.problems, undefined, 2));
  const sink = new PassThrough().resume();
  const gateway = await startGateway(usable, { auditStream: sink, log: pino({ level: 'silent' }, sink) });
  return () => gateway.close(0);
}

/** An app as apps are: it answers everything. */
async function startApp(address: string, port: number): Promise<() => Promise<void>> {
  const server = createServer((_request, response) => response.end('the app'));
  server.listen(port, address);
  await once(server, 'listening');
  return async () => {
    server.closeAllConnections();
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
}

async function makeAuthority(folder: string) {
  const openssl = (...args: readonly string[]): Promise<string> => run('/usr/bin/openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '30',
    '-subj',
    '/CN=Doctor CA',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  let count = 0;
  return {
    async issue({ name = host, expired = false }: Parameters<Deployment['certificate']>[0]): Promise<Pair> {
      const base = `pair${count++}`;
      writeFileSync(join(folder, `${base}.names`), `subjectAltName=DNS:${name}\n`);
      await openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${base}.key`, '-out', `${base}.csr`);
      const request = [
        'x509',
        '-req',
        '-in',
        `${base}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-set_serial',
        `${count}`,
      ];
      // Its last second was yesterday.
      const until = ['-days', expired ? '-1' : '30'];
      await openssl(...request, ...until, '-extfile', `${base}.names`, '-out', `${base}.pem`);
      const [cert, key] = [await openssl('x509', '-in', `${base}.pem`), await openssl('pkey', '-in', `${base}.key`)];
      return { cert, key };
    },
  };
}

/** An address that is not loopback. Without one, no way around the gateway can be planted. */
function otherAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const found = all.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (found === undefined)
    throw new Error('This machine has no address but loopback: give it one, ip address add 198.51.100.1/32 dev lo');
  return found.address;
}

/** Makes a file readable for everybody, below the folder of the look that runs. */
export const openToAll = (path: string): void => chmodSync(path, 0o644);
