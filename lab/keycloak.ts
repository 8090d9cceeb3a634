/**
 * Keycloak, from Maven Central: one version, taken only with the hash that is written here. `npm run lab:install` brings it and
 * prepares it for its start, which takes
 * between a quarter of a minute and a whole one.
 *
 * @module
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from './files.ts';

/** The version that the tests have seen. */
export const keycloakVersion = '26.0.8';
const sha256 = 'd82a52098db41f036bcfe8f2ebfd9251781c8af5959af8714e8aa9b311081786';
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:get';

/** `CARDEA_LAB_CACHE` moves it. */
const root = process.env['CARDEA_LAB_CACHE'] ?? '/var/cache/cardea-lab';

/** Where it is, or will be. Nothing is written there after the installation. */
export const keycloakFolder: string = join(root, `keycloak-${keycloakVersion}`);
const complete = join(keycloakFolder, 'complete');

/** For `skip` of a suite: false, or the reason with what to do about it. */
export function reasonToSkipKeycloak(): string | false {
  if (existsSync(complete) && existsSync('/usr/bin/java')) return false;
  return `Keycloak ${keycloakVersion} is not there: run "npm run lab:install" on Debian 12 as root`;
}

/** Downloads, unpacks and prepares it; does nothing when it is here already. What has another hash is not taken. */
export function installKeycloak(say: (line: string) => void): void {
  if (existsSync(complete)) return say(`Keycloak ${keycloakVersion} is here already`);
  say(`getting Keycloak ${keycloakVersion} from Maven Central and preparing it; this takes up to a minute`);
  mkdirSync(root, { recursive: true });
  const work = mkdtempSync(join(root, '.new-'));
  try {
    // Maven's own cache stays as it is: nobody needs the archive afterwards.
    const repository = join(work, 'm2');
    const artifact = `-Dartifact=org.keycloak:keycloak-quarkus-dist:${keycloakVersion}:zip`;
    execute('/usr/bin/mvn', ['-q', '-B', plugin, `-Dmaven.repo.local=${repository}`, '-Dtransitive=false', artifact]);
    const name = `keycloak-quarkus-dist-${keycloakVersion}.zip`;
    const archive = join(repository, 'org/keycloak/keycloak-quarkus-dist', keycloakVersion, name);
    const hash = createHash('sha256').update(readFileSync(archive)).digest('hex');
    if (hash !== sha256) throw new Error(`Cannot install Keycloak: ${name} has the SHA-256 ${hash}, not ${sha256}`);
    execute('/usr/bin/unzip', ['-q', archive, '-d', work]);
    rmSync(keycloakFolder, { recursive: true, force: true });
    renameSync(join(work, `keycloak-${keycloakVersion}`), keycloakFolder);
    // What is decided here need not be found out at each start, which would take half a minute.
    execute(join(keycloakFolder, 'bin/kc.sh'), ['build', '--db=dev-mem']);
    writeFileSync(complete, '');
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function execute(program: string, args: readonly string[]): void {
  // Ours for the most part, since Maven may have settings there, such as a mirror or a proxy.
  const env = { ...process.env, PATH: environment()['PATH'], JAVA_OPTS: javaOptions() };
  const { status, error, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8', timeout: 600_000 });
  if (error) throw error;
  if (status === 0) return;
  const said = `${stdout}${stderr}`.slice(-2_000);
  throw new Error(`Cannot install Keycloak: "${program} ${args[0]}" ended with status ${status}:\n${said}`);
}

/** Little memory, and no time spent on making code quick that runs for seconds. */
export const javaOptions = (): string =>
  '-Xms128m -Xmx400m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true -Dfile.encoding=UTF-8';
