/**
 * A real Active Directory domain on a loopback address, for tests and demonstrations: a Samba domain controller in a
 * private directory. Debian and root only; see `npm run lab:install`.
 *
 * As a command: `node lab/lab.ts up|down|reset|status`.
 *
 * @module
 */

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { buildController, startController } from './controller.ts';
import { address, directory, paths } from './files.ts';
import { exclusively } from './lock.ts';
import { isListening } from './ports.ts';
import { isRunning, stopDaemon } from './processes.ts';

/**
 * Makes sure that the domain is built and answers. Safe to call from several processes at once; the first one does
 * the work. The domain controller keeps running afterwards, for the next suite, until `stopLab`.
 */
export async function startLab(say: (line: string) => void = () => {}): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await locked(async () => {
    await buildController(say);
    await startController(say);
  });
}

/** Stops the domain controller. The domain itself stays, so the next start takes a second. */
export async function stopLab(): Promise<void> {
  await locked(() => stopDaemon(paths.controllerPid));
}

/** Stops the lab and removes its directory. */
export async function resetLab(): Promise<void> {
  await stopLab();
  rmSync(directory, { recursive: true, force: true });
}

/** The SID of a user, group or service account of the domain. */
export function sidOf(account: string): string {
  const accounts: unknown = JSON.parse(readFileSync(paths.accounts, 'utf8'));
  const found = Object.entries(accounts ?? {}).find(([name]) => name === account)?.[1];
  if (typeof found !== 'string')
    throw new RangeError(`Cannot find the SID of "${account}": the lab has no such account`);
  return found;
}

/** One process at a time builds, starts or stops the lab. */
const locked = (work: () => Promise<void>): Promise<void> => exclusively(`cardea-lab:${directory}`, work);

async function status(): Promise<void> {
  const state = isRunning(paths.controllerPid)
    ? `pid ${readFileSync(paths.controllerPid, 'utf8').split(' ')[0]}`
    : 'stopped';
  console.log(`domain controller: ${state}, directory ${directory}`);
  for (const port of [88, 389, 636])
    console.log(`  ${address}:${port} ${(await isListening(address, port)) ? 'open' : 'closed'}`);
}

if (import.meta.main) {
  const say = (line: string): void => console.log(`[lab] ${line}`);
  const commands: Readonly<Record<string, () => Promise<void>>> = {
    up: () => startLab(say).then(status),
    down: stopLab,
    reset: resetLab,
    status,
  };
  const command = commands[process.argv[2] ?? ''];
  if (command === undefined) {
    console.error('Usage: node lab/lab.ts up|down|reset|status');
    process.exitCode = 2;
  } else {
    await command();
  }
}
