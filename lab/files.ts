/**
 * Where the lab keeps its files, and the configuration files that it writes.
 * Everything lies below one private directory; no file of the machine is touched.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dnsDomain, netbiosName, realm } from './domain.ts';

/** The lab's directory; `CARDEA_LAB_DIR` moves it. */
export const directory: string = process.env['CARDEA_LAB_DIR'] ?? join(tmpdir(), 'cardea-lab');

/** The domain controller's address; `CARDEA_LAB_ADDRESS` moves it, so that two labs can run beside each other. */
export const address: string = process.env['CARDEA_LAB_ADDRESS'] ?? '127.0.0.10';

const inside = (...parts: readonly string[]): string => join(directory, ...parts);

/** The lab's files that tests and tools read. */
export const paths = {
  krb5Conf: inside('krb5.conf'),
  /** As `krb5Conf`, but the client asks for RC4 session keys. */
  krb5ConfRc4: inside('krb5-rc4.conf'),
  /** As `krb5Conf`, but RC4 is not permitted: what a hardened MIT acceptor uses. */
  krb5ConfAesOnly: inside('krb5-aes.conf'),
  /** As `krb5Conf`, but the client does not notice that its own clock is wrong. */
  krb5ConfSkewed: inside('krb5-skewed.conf'),
  hosts: inside('hosts'),
  /** The CA that signed the domain controller's LDAPS certificate. */
  ca: inside('ca.pem'),
  keytabs: inside('keytabs'),
  /** Keys of every exported HTTP service. */
  keytab: inside('keytabs', 'http.keytab'),
  /** Names and SIDs of all accounts, as JSON. */
  accounts: inside('accounts.json'),
  ccaches: inside('ccaches'),
  controller: inside('dc'),
  smbConf: inside('dc', 'etc', 'smb.conf'),
  controllerPid: inside('dc.pid'),
  controllerLog: inside('dc', 'log', 'stdout'),
  /** Written last: which inputs this domain was built from. */
  built: inside('built'),
} as const;

/** Keytab with the keys of one service only: `app`, `rc4`, `aes128`, `mixed`, `stale` or `rolled`. */
export const keytabOf = (service: string): string => join(paths.keytabs, `${service}.keytab`);

/** Environment for every program of the lab: Debian's own programs first, and the lab's krb5.conf. */
export function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    HOME: directory,
    KRB5_CONFIG: paths.krb5Conf,
    PYTHONDONTWRITEBYTECODE: '1',
    ...extra,
  };
}

const krb5Conf = (...more: readonly string[]): string => `[libdefaults]
  default_realm = ${realm}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  rdns = false
  forwardable = true
${more.map((line) => `  ${line}\n`).join('')}[realms]
  ${realm} = {
    kdc = ${address}:88
    admin_server = ${address}
    kpasswd_server = ${address}:464
    default_domain = ${dnsDomain}
  }
[domain_realm]
  .${dnsDomain} = ${realm}
  ${dnsDomain} = ${realm}
`;

/** Writes what the clients need: krb5.conf in its variants, and a hosts file. */
export function writeClientFiles(): void {
  mkdirSync(paths.ccaches, { recursive: true, mode: 0o755 });
  writeFileSync(paths.krb5Conf, krb5Conf());
  writeFileSync(paths.krb5ConfRc4, krb5Conf('permitted_enctypes = arcfour-hmac aes256-cts-hmac-sha1-96'));
  writeFileSync(
    paths.krb5ConfAesOnly,
    krb5Conf('permitted_enctypes = aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96'),
  );
  writeFileSync(paths.krb5ConfSkewed, krb5Conf('clockskew = 86400'));
  const names = ['app', 'desk', 'rc4', 'aes128', 'mixed', 'stale', 'rolled', 'other'];
  const hosts = names.map((name) => `${name}.${dnsDomain}`).join(' ');
  writeFileSync(paths.hosts, `127.0.0.1 localhost ${hosts}\n${address} dc1.${dnsDomain} dc1 ${dnsDomain}\n`);
}

/** Samba's configuration: KDC and LDAP, no file shares, no DNS, no winbind. */
export function writeSmbConf(): void {
  const dc = paths.controller;
  for (const name of ['run', 'cache', 'log', 'state']) mkdirSync(join(dc, name), { recursive: true });
  writeFileSync(
    paths.smbConf,
    `[global]
	netbios name = DC1
	realm = ${realm}
	workgroup = ${netbiosName}
	server role = active directory domain controller
	interfaces = ${address}/8
	bind interfaces only = Yes
	private dir = ${dc}/private
	state directory = ${dc}/state
	cache directory = ${dc}/cache
	lock directory = ${dc}
	binddns dir = ${dc}/bind-dns
	pid directory = ${dc}/run
	ncalrpc dir = ${dc}/run/ncalrpc
	winbindd socket directory = ${dc}/run/winbindd
	ntp signd socket directory = ${dc}/run/ntp_signd
	log level = 1
	server services = rpc, ldap, cldap, kdc
	dns update command = /bin/true
	spn update command = /bin/true
	load printers = no
	disable spoolss = yes
	printcap name = /dev/null
	template shell = /bin/false
[sysvol]
	path = ${dc}/state/sysvol
	read only = No
[netlogon]
	path = ${dc}/state/sysvol/${dnsDomain}/scripts
	read only = No
`,
  );
}
