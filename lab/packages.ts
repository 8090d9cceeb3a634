/**
 * What the lab needs from Debian: packages to install, and the programs by which we know that they are there.
 *
 * @module
 */

import { existsSync } from 'node:fs';

/** Debian packages of the lab suites and the benchmarks. */
export const packages: readonly string[] = [
  // The domain controller, its provisioning, and the Python bindings that fill it.
  'samba',
  'samba-ad-dc',
  'samba-ad-provision',
  'samba-dsdb-modules',
  'samba-vfs-modules',
  'python3-samba',
  // The clients.
  'krb5-user',
  'python3-gssapi',
  'curl',
  'openssl',
  'libfaketime',
  'chromium',
  'fonts-dejavu-core',
  // The reference acceptor, and what the benchmarks compare with.
  'apache2',
  'libapache2-mod-auth-gssapi',
  'nginx',
  'wrk',
  'iproute2',
  'haproxy',
  'caddy',
  'python3-h11',
  // Verifies the issuer's tokens; a few seconds more to install.
  'python3-jwt',
  'python3-cryptography',
  // For the proxies in lab/wheels.ts.
  'python3-pip',
  // For the frameworks of lab/recipes.
  'python3-venv',
  // For lab/keycloak.ts.
  'openjdk-17-jre-headless',
  'maven',
  'unzip',
  'redis-server',
  // For lab/postgres.ts. Debian makes a cluster of its own with it, which is never started.
  'postgresql',
];

const needed: readonly (readonly [what: string, ...anyOf: readonly string[]])[] = [
  ['samba', '/usr/sbin/samba'],
  ['samba-tool', '/usr/bin/samba-tool'],
  ['python3-samba', '/usr/lib/python3/dist-packages/samba/samdb.py'],
  ['python3-gssapi', '/usr/lib/python3/dist-packages/gssapi/__init__.py'],
  ['kinit', '/usr/bin/kinit'],
  ['curl', '/usr/bin/curl'],
  ['openssl', '/usr/bin/openssl'],
  ['libfaketime', ...libfaketimePaths()],
  ['apache2', '/usr/sbin/apache2'],
  ['mod_auth_gssapi', '/usr/lib/apache2/modules/mod_auth_gssapi.so'],
  ['python3-jwt', '/usr/lib/python3/dist-packages/jwt/__init__.py'],
  ['python3-cryptography', '/usr/lib/python3/dist-packages/cryptography/__init__.py'],
  ['chromium', '/usr/bin/chromium'],
];

/** Where Debian puts libfaketime, on the architectures that the lab is used on. */
export function libfaketimePaths(): readonly string[] {
  const triplets = ['x86_64-linux-gnu', 'aarch64-linux-gnu'];
  return triplets.map((triplet) => `/usr/lib/${triplet}/faketime/libfaketime.so.1`);
}

/**
 * What keeps the lab from running on this machine, in words; empty when nothing does.
 * Suites skip with this as the reason.
 */
export function available(): readonly string[] {
  const missing = needed.filter(([, ...anyOf]) => !anyOf.some((path) => existsSync(path))).map(([what]) => what);
  // Ports 88, 389 and 636, and Samba's own files, need it.
  return process.getuid?.() === 0 ? missing : ['the root user', ...missing];
}

/** For `skip` of a suite: false, or the reason with what to do about it. */
export function reasonToSkip(): string | false {
  const missing = available();
  return missing.length > 0 && `the lab needs ${missing.join(', ')}: run "npm run lab:install" on Debian 12 as root`;
}
