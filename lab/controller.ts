/**
 * The domain controller: built once, kept, and started when it is needed.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  administratorPassword,
  baseDn,
  dnsDomain,
  domainSid,
  groups,
  netbiosName,
  realm,
  servicePassword,
  services,
  users,
} from './domain.ts';
import { address, directory, paths, writeClientFiles, writeSmbConf } from './files.ts';
import { isListening, waitForPort } from './ports.ts';
import { isRunning, run, startDaemon, stopDaemon, tail } from './processes.ts';

/** Kerberos, LDAP, LDAPS. */
const ports = [88, 389, 636] as const;
/** A lab has nothing to lose in a power cut: provisioning is three times as fast without fsync. */
const noFsync = { TDB_NO_FSYNC: '1' };
const python = '/usr/bin/python3'; // Debian's own; another one on the path has no samba module

/** Builds the domain unless it is there already, made from the same inputs as now. */
export async function buildController(say: (line: string) => void): Promise<void> {
  const wanted = inputs();
  if (existsSync(paths.built) && readFileSync(paths.built, 'utf8') === wanted) return;
  say(`building the domain ${realm} in ${directory}`);
  await stopDaemon(paths.controllerPid); // one that still serves the domain as it was before
  for (const path of [paths.built, paths.controller, paths.ccaches]) rmSync(path, { recursive: true, force: true });
  mkdirSync(paths.controller, { recursive: true });
  chmodSync(directory, 0o755);
  writeClientFiles();
  const started = Date.now();
  await provision();
  const provisioned = Date.now();
  writeSmbConf();
  await Promise.all([makeCertificate(), seed()]);
  writeFileSync(paths.built, wanted);
  say(`provisioned in ${provisioned - started} ms, filled in ${Date.now() - provisioned} ms`);
}

/** Starts the built domain controller unless it runs, and waits until it answers. */
export async function startController(say: (line: string) => void): Promise<void> {
  if (isRunning(paths.controllerPid)) return waitUntilReady();
  for (const port of ports) {
    if (await isListening(address, port))
      throw new Error(
        `Cannot start the lab: ${address}:${port} is in use by a program that this lab (${directory}) did not start; ` +
          'stop it, or choose another loopback address with CARDEA_LAB_ADDRESS',
      );
  }
  const started = Date.now();
  const args = ['-s', paths.smbConf, '--foreground', '--no-process-group', '--model=single', '--debug-stdout'];
  startDaemon('/usr/sbin/samba', args, paths.controllerPid, paths.controllerLog);
  await waitUntilReady();
  say(`domain controller up in ${Date.now() - started} ms on ${address}`);
}

async function waitUntilReady(): Promise<void> {
  for (const port of ports) {
    if (await waitForPort(address, port, () => !isRunning(paths.controllerPid))) continue;
    const state = isRunning(paths.controllerPid) ? `did not open port ${port} in time` : 'ended early';
    throw new Error(`Cannot start the lab: samba ${state}; its log ends with\n${tail(paths.controllerLog)}`);
  }
}

/** A digest of everything the domain is made from: a changed seed means a new domain. */
function inputs(): string {
  const hash = createHash('sha256');
  for (const file of ['controller.ts', 'domain.ts', 'files.ts', 'seed.py'])
    hash.update(readFileSync(join(import.meta.dirname, file)));
  return hash.update(address).digest('hex');
}

async function provision(): Promise<void> {
  const options = {
    targetdir: paths.controller,
    realm,
    domain: netbiosName,
    'domain-sid': domainSid,
    'server-role': 'dc',
    'dns-backend': 'NONE',
    adminpass: administratorPassword,
    'host-name': 'dc1',
    'host-ip': address,
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const network = [`--option=interfaces=${address}/8`, '--option=bind interfaces only=yes'];
  // -s /dev/null: else Debian's own smb.conf is inherited.
  const all = ['domain', 'provision', '-s', '/dev/null', ...args, ...network];
  await run('/usr/bin/samba-tool', all, { env: noFsync, timeoutMs: 180_000 });
}

async function seed(): Promise<void> {
  const wanted = {
    smbConf: paths.smbConf,
    database: join(paths.controller, 'private', 'sam.ldb'),
    keytabs: paths.keytabs,
    baseDn,
    dnsDomain,
    servicePassword,
    users,
    groups,
    services,
  };
  const script = join(import.meta.dirname, 'seed.py');
  const accounts = await run(python, [script], { input: JSON.stringify(wanted), env: noFsync, timeoutMs: 180_000 });
  writeFileSync(paths.accounts, accounts);
}

/** A CA of the lab's own and a certificate with names: the one that Samba makes for itself has none. */
async function makeCertificate(): Promise<void> {
  const cwd = join(paths.controller, 'private', 'tls');
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  const openssl = (...args: readonly string[]): Promise<string> => run('/usr/bin/openssl', args, { cwd });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const names = `subjectAltName=DNS:dc1.${dnsDomain},DNS:${dnsDomain},IP:${address}\n`;
  writeFileSync(join(cwd, 'names'), names);
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '3650',
    '-subj',
    '/CN=Cardea lab CA',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  await openssl('req', ...newKey, '-subj', `/CN=dc1.${dnsDomain}`, '-keyout', 'key.pem', '-out', 'dc.csr');
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '3650', '-extfile', 'names'];
  await openssl('x509', '-req', '-in', 'dc.csr', ...signer, '-out', 'cert.pem');
  for (const key of ['ca.key', 'key.pem']) chmodSync(join(cwd, key), 0o600);
  copyFileSync(join(cwd, 'ca.pem'), paths.ca);
}
