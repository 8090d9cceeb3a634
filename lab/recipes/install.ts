/**
 * Brings the frameworks of `examples/recipes` onto this machine, from PyPI and npm, in the versions that are written down.
 * They go into one folder (`parts.ts`); nothing else of the machine changes.
 *
 * @module
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder, installed, pythonPackages, recipes, withNode } from './parts.ts';

const registry = 'https://registry.npmjs.org';
/** Caches, which nobody needs afterwards. */
const home = join(folder, 'home');

/** Does nothing when they are here already. */
export function installRecipes(say: (line: string) => void): void {
  if (existsSync(installed.complete)) return say('the frameworks of the recipes are here already');
  const started = Date.now();
  // What was begun and not ended.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  say('installing Streamlit, Reflex, FastAPI, Dash and Socket.IO from PyPI and npm; this takes about a minute');
  python();
  socketio();
  reflex();
  rmSync(home, { recursive: true, force: true });
  writeFileSync(installed.complete, '');
  say(`installed the frameworks of the recipes into ${folder} in ${Math.round((Date.now() - started) / 1000)} s`);
}

function python(): void {
  execute('/usr/bin/python3', ['-m', 'venv', installed.python]);
  // Without dependencies: the list has them all.
  const exactly = ['--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '-q', '-r', pythonPackages];
  execute(join(installed.python, 'bin/pip'), ['install', ...exactly]);
  execute(join(installed.python, 'bin/pip'), ['check']);
}

function socketio(): void {
  mkdirSync(installed.socketio);
  for (const name of ['package.json', 'package-lock.json'])
    copyFileSync(join(recipes, 'socketio', name), join(installed.socketio, name));
  execute('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], installed.socketio);
}

/** Reflex fetches what its pages need of npm when it builds them for the first time. */
function reflex(): void {
  cpSync(join(recipes, 'reflex'), installed.reflex, { recursive: true });
  const args = ['export', '--frontend-only', '--no-zip', '--env', 'prod', '--loglevel', 'warning'];
  execute(join(installed.python, 'bin/reflex'), args, installed.reflex);
}

function execute(program: string, args: readonly string[], cwd: string = folder): void {
  const env = {
    ...process.env,
    PATH: withNode(),
    HOME: home,
    PYTHONPATH: recipes,
    REFLEX_USE_NPM: '1',
    REFLEX_CHECK_LATEST_VERSION: '0',
    REFLEX_TELEMETRY_ENABLED: '0',
    NPM_CONFIG_REGISTRY: registry,
    npm_config_registry: registry,
    npm_config_cache: join(home, 'npm-cache'),
    CI: '1',
  };
  const { status, error } = spawnSync(program, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0) throw new Error(`Cannot install the recipes: "${program} ${args[0]}" ended with status ${status}`);
}

if (import.meta.main) installRecipes((line) => console.log(`[lab:install] ${line}`));
