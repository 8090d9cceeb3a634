/**
 * Starts the apps of `examples/recipes` as their users do, on a free loopback port, with an environment of their own.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { cpSync, createWriteStream, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../ports.ts';
import { tail } from '../processes.ts';
import { installed, recipes, withNode } from './parts.ts';

export const recipeNames = ['streamlit', 'reflex', 'fastapi', 'dash', 'socketio'] as const;
export type RecipeName = (typeof recipeNames)[number];

export interface RecipeServer {
  readonly port: number;
  /** The last lines of what the app has said. */
  log(): string;
  close(): Promise<void>;
}

interface Start {
  readonly command: readonly string[];
  /** What answers with anything when the app is up. */
  readonly ready: string;
}

/** What Reflex keeps for itself. */
const reflexDir = 'reflex-dir';
const bin = (name: string): string => join(installed.python, 'bin', name);

/** The commands of docs/recipes.md. */
function startOf(name: RecipeName, port: number): Start {
  const loopback = ['--host', '127.0.0.1', '--port', String(port)];
  switch (name) {
    case 'streamlit': {
      const server = ['--server.address', '127.0.0.1', '--server.port', String(port), '--server.headless', 'true'];
      const quiet = ['--browser.gatherUsageStats', 'false', '--server.fileWatcherType', 'none'];
      return { command: [bin('streamlit'), 'run', 'app.py', ...server, ...quiet], ready: '/_stcore/health' };
    }
    case 'reflex': {
      const command = [bin('reflex'), 'run', '--env', 'prod', '--single-port', '--backend-port', String(port)];
      return { command, ready: '/ping' };
    }
    case 'fastapi':
      return { command: [bin('uvicorn'), 'main:app', ...loopback], ready: '/api/me' };
    case 'dash':
      return { command: [bin('flask'), '--app', 'app:server', 'run', ...loopback], ready: '/' };
    case 'socketio':
      return { command: [process.execPath, 'server.js'], ready: '/' };
  }
}

/** Starts one. `env` has what the app needs to verify assertions. */
export async function startRecipe(name: RecipeName, env: Readonly<Record<string, string>>): Promise<RecipeServer> {
  const port = await freePort();
  const { command, ready } = startOf(name, port);
  const folder = copyOf(name);
  const logFile = join(folder, 'log');
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: join(folder, name),
    detached: true, // a group of its own, since these have children
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: withNode(),
      LANG: 'C.UTF-8',
      HOME: folder,
      PYTHONPATH: recipes,
      PYTHONDONTWRITEBYTECODE: '1',
      PORT: String(port),
      REFLEX_DIR: join(folder, reflexDir),
      REFLEX_USE_NPM: '1',
      REFLEX_CHECK_LATEST_VERSION: '0',
      NPM_CONFIG_REGISTRY: 'https://registry.npmjs.org',
      CI: '1',
      ...env,
    },
  });
  const log = createWriteStream(logFile);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  const close = async (): Promise<void> => {
    signal(child.pid, 'SIGTERM');
    const soon = await Promise.race([ended.then(() => true), delay(3_000, false, { ref: false })]);
    // Children that outlive it would hold the port and the pipes.
    signal(child.pid, 'SIGKILL');
    if (!soon) await ended;
    log.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const deadline = Date.now() + 90_000;
    while (!(await answers(`http://127.0.0.1:${port}${ready}`))) {
      if (child.exitCode !== null || child.pid === undefined || Date.now() > deadline)
        throw new Error(
          `Cannot start the recipe "${name}" (${child.exitCode ?? child.signalCode ?? 'no answer'}):\n${tail(logFile)}`,
        );
      await delay(50); // another program's start: there is no event to wait for
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { port, log: () => tail(logFile, 60), close };
}

/** The app's files, and nothing of ours beside them; with what npm has brought for it. */
function copyOf(name: RecipeName): string {
  const folder = mkdtempSync(join(tmpdir(), `cardea-recipe-${name}-`));
  const app = join(folder, name);
  cpSync(join(recipes, name), app, { recursive: true });
  if (name === 'socketio') symlinkSync(join(installed.socketio, 'node_modules'), join(app, 'node_modules'));
  if (name === 'reflex') {
    const [from, to] = [join(installed.reflex, '.web'), join(app, '.web')];
    mkdirSync(to);
    // The pages are built anew from the app as it is now; what npm has brought is not copied.
    const wanted = (path: string): boolean => !/^(?:node_modules|build)(?:\/|$)/.test(relative(from, path));
    cpSync(from, to, { recursive: true, filter: wanted });
    symlinkSync(join(from, 'node_modules'), join(to, 'node_modules'));
    mkdirSync(join(folder, reflexDir)); // else Reflex begins from the start, and empties what the link leads to
  }
  return folder;
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url, { signal: AbortSignal.timeout(2_000) })).body?.cancel();
    return true;
  } catch {
    return false;
  }
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
