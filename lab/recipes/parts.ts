/**
 * Streamlit, Reflex, FastAPI, Dash and Socket.IO, for the tests of `examples/recipes`: what is needed of PyPI and npm,
 * and where it lies. Outside of the tree and of the lab's own directory, so that it is brought onto a machine once.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The apps, as users copy them. */
export const recipes: string = join(import.meta.dirname, '../../examples/recipes');

/** Every Python package with its version, also those that the recipes do not name themselves. */
export const pythonPackages: string = join(import.meta.dirname, 'python.txt');

/** `CARDEA_LAB_CACHE` moves it. */
const cache = process.env['CARDEA_LAB_CACHE'] ?? '/var/cache/cardea-lab';

/** What it was installed from: another version is another folder, so that two checkouts do not take it away from each other. */
const inputs: readonly string[] = [
  pythonPackages,
  join(recipes, 'socketio/package-lock.json'),
  join(recipes, 'reflex/reflex.lock/package-lock.json'),
  join(import.meta.dirname, 'install.ts'),
];
const hash = createHash('sha256');
for (const file of inputs) hash.update(readFileSync(file)).update('\0');

/** Where the programs are, once they are installed. */
export const folder: string = join(cache, `recipes-${hash.digest('hex').slice(0, 12)}`);

/** What is in the folder. */
export const installed = {
  python: join(folder, 'python'),
  socketio: join(folder, 'socketio'),
  reflex: join(folder, 'reflex'),
  /** Written last. */
  complete: join(folder, 'complete'),
} as const;

/** For programs that run npm: the Node that runs us comes first, since Debian's own is too old for Reflex. */
export function withNode(path: string = process.env['PATH'] ?? ''): string {
  return [join(process.execPath, '..'), ...path.split(':'), '/usr/local/bin', '/usr/bin', '/bin'].join(':');
}

/** For `skip` of a suite: false, or the reason with what to do about it. */
export function reasonToSkipRecipes(): string | false {
  if (existsSync(installed.complete)) return false;
  return 'Streamlit, Reflex, FastAPI, Dash and Socket.IO are not there: run "npm run lab:install" on Debian 12 as root';
}
