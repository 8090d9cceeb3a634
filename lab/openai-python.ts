/**
 * Python's `openai`, for the tests of apps that are language models: from PyPI, in the versions that are written down, in a
 * folder of its own. `npm run lab:install` brings it; it takes about ten seconds.
 *
 * @module
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every package with its version, also those that `openai` brings along. */
const packages: string = join(import.meta.dirname, 'openai-python.txt');

/** `CARDEA_LAB_CACHE` moves it. Other versions are another folder, so that two checkouts do not take it away from each other. */
const folder: string = join(
  process.env['CARDEA_LAB_CACHE'] ?? '/var/cache/cardea-lab',
  `openai-python-${createHash('sha256').update(readFileSync(packages)).digest('hex').slice(0, 12)}`,
);
/** Written last. */
const complete = join(folder, 'complete');

/** The Python that has it. */
export const openaiPython: string = join(folder, 'bin/python');

/** Does nothing when it is here already. */
export function installOpenaiPython(say: (line: string) => void): void {
  if (existsSync(complete)) return say("Python's openai is here already");
  say("installing Python's openai from PyPI; this takes about ten seconds");
  // What was begun and not ended.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  execute('/usr/bin/python3', ['-m', 'venv', folder]);
  // Without dependencies: the list has them all.
  const exactly = ['--no-deps', '--only-binary=:all:', '--no-cache-dir', '--disable-pip-version-check', '-q'];
  execute(join(folder, 'bin/pip'), ['install', ...exactly, '-r', packages]);
  execute(join(folder, 'bin/pip'), ['check']);
  writeFileSync(complete, '');
}

/** For `skip` of a suite: false, or the reason with what to do about it. */
export function reasonToSkipOpenaiPython(): string | false {
  return !existsSync(complete) && 'Python\'s openai is not there: run "npm run lab:install" on Debian 12 as root';
}

function execute(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0)
    throw new Error(`Cannot install Python's openai: "${program} ${args[0]}" ended with status ${status}`);
}

if (import.meta.main) installOpenaiPython((line) => console.log(`[lab:install] ${line}`));
