/**
 * `npm start`: the complete demonstration on embedded parts. `npm run lab`: the same
 * with silent Kerberos sign-on against the lab's Active Directory.
 *
 *     npm start -- --port 8081
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startGateway } from '../packages/gateway/src/app/gateway.ts';
import { hashPassword } from '../packages/gateway/src/auth/password-hash.ts';
import { formatProblems } from '../packages/gateway/src/cli/format-problems.ts';
import { runCli } from '../packages/gateway/src/cli/run.ts';
import { loadConfig } from '../packages/gateway/src/config/load.ts';
import { startSampleApp } from '../packages/sample-app/src/app.ts';
import { startLlmTestBackend } from '../packages/sample-app/src/llm-test-backend.ts';
import { demoConfig, demoUsers, labConfig } from './demo-config.ts';
import { labHost, prepareLab } from './demo-lab.ts';

const root = join(fileURLToPath(import.meta.url), '../..');
const values = options();
const step = (text: string): void => console.error(`[${values.lab ? 'lab' : 'start'}] ${text}`);

const folder = join(root, '.cardea', values.lab ? 'lab' : 'demo');
try {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
} catch (error) {
  giveUp(`The demonstration keeps its files in ${folder}, and cannot make it: ${(error as Error).message}`);
}

step('Hashing the passwords of the demo accounts ...');
const users = await Promise.all(
  demoUsers.map(async ({ name, password, display, groups }) => ({
    name,
    password_hash: await hashPassword(password),
    account: `DEMO\\${name}`,
    display_name: display,
    groups: [...groups],
  })),
);
rmSync(join(folder, 'users.yaml'), { force: true }); // the mode counts for a new file only
writeFileSync(join(folder, 'users.yaml'), `${JSON.stringify({ users }, undefined, 2)}\n`, { mode: 0o600 }); // JSON is YAML

step('Starting the sample app ...');
const sample = await startSampleApp({ port: 0 });
const backendKey = randomBytes(24).toString('base64url');
const backend = values.lab ? undefined : await startLlmTestBackend({ key: backendKey });
const keyFile = join(folder, 'backend.key');
rmSync(keyFile, { force: true });
writeFileSync(keyFile, backendKey, { mode: 0o600 });
const port = await freePort(values.port);
const addresses = { port, adminPort: await freePort(9464), upstream: sample.origin };

const file = join(folder, 'cardea.yaml');
const lab = values.lab ? await prepareLab(step) : undefined;
const model = backend && { origin: backend.origin, keyFile: 'backend.key' };
writeFileSync(file, lab === undefined ? demoConfig(addresses, model) : labConfig(addresses, lab));
const loaded = loadConfig(file, { env: process.env, now: Date.now(), name: file.replace(`${root}/`, '') });
if (loaded.kind === 'wrong') {
  console.error(formatProblems(loaded.problems));
  process.exit(1);
}

step('Starting the gateway ...');
const gateway = await startGateway(loaded);
const key = backend === undefined ? '' : await makeKey(file);
const host = lab === undefined ? 'localhost' : labHost;
const origin = `http://${host}:${port}`;
console.error(`
  Cardea is running.   ${origin}/

  Configuration        .cardea/${values.lab ? 'lab' : 'demo'}/cardea.yaml
  Metrics and health   http://127.0.0.1:${addresses.adminPort}/metrics  /healthz  /readyz

${values.lab ? labHints(port) : demoHints(origin, key)}
  Below: one line of JSON per audit event. Ctrl-C stops everything.
`);

let stoppingSince: number | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stoppingSince !== undefined) {
      // One Ctrl-C arrives twice, from the terminal and by way of npm; a later one is impatience.
      if (performance.now() - stoppingSince > 500) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    step('Stopping ...');
    void gateway
      .close(2_000)
      .then(() => Promise.all([sample.close(), backend?.close()]))
      .then(() => process.exit(0));
  });
}

function options(): { readonly port: number; readonly lab: boolean } {
  try {
    const { values: given } = parseArgs({
      options: { port: { type: 'string', default: '8080' }, lab: { type: 'boolean', default: false } },
    });
    const number = Number(given.port);
    if (Number.isInteger(number) && number > 0 && number < 65_536) return { port: number, lab: given.lab };
    return giveUp(`"${given.port}" is not a port: it takes a number from 1 to 65535`);
  } catch (error) {
    return giveUp(`${(error as Error).message}\nUsage: npm start -- [--port NUMBER]`);
  }
}

function giveUp(message: string): never {
  console.error(message);
  process.exit(2);
}

function demoHints(address: string, apiKey: string): string {
  const accounts = demoUsers.map(
    ({ name, password, groups }) => `    ${name.padEnd(8)} ${password.padEnd(13)} ${groups.join(', ')}`,
  );
  return `  Try
    1. Open ${address}/ and sign in. The four cards show what the app
       receives over a page, fetch(), an event stream and a WebSocket.

    Account  Password      Groups
${accounts.join('\n')}

    2. Open /reports/ as alice, then as bob: her role opens the module "Reports", his does not.
    3. Try to fool the app:
       curl -i -H 'X-Authenticated-User: DEMO\\root' ${address}/api/whoami
    4. Ask a model with an API key (a test backend, which repeats what you say). After five times in a minute the answer is 429:
       curl -i ${address}/v1/chat/completions -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' \\
         -d '{"model":"small-echo","messages":[{"role":"user","content":"hello there"}]}'
       npx cardea usage .cardea/demo/cardea.yaml
`;
}

function labHints(gatewayPort: number): string {
  const address = `http://${labHost}:${gatewayPort}`;
  return `  Try (the passwords are in lab/domain.ts)
    1. Silent sign-on with curl, as alice:
       node lab/curl.ts alice ${address}/api/whoami
    2. The same in a real Chromium, which prints what the app saw over all four transports:
       node lab/browse.ts alice ${address}/
    3. bob is refused at ${address}/reports/ :
       node lab/curl.ts bob ${address}/reports/
    Use the project's own Node: PATH="$PWD/node_modules/.bin:$PATH"
`;
}

/** A key for the model, good for a day. The gateway must run: it makes the database. */
async function makeKey(config: string): Promise<string> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const terminal = { stdin: process.stdin, stdout, stderr, env: process.env, cwd: root, version: '', now: Date.now };
  const asked = ['keys', 'create', config, '--name', 'demonstration', '--app', 'llm', '--expires', '1d', '--json'];
  const status = await runCli(asked, { serve: async () => {}, terminal });
  if (status !== 0) return giveUp(`The demonstration cannot make an API key: ${String(stderr.read())}`);
  const { key: made } = JSON.parse(String(stdout.read()));
  return made;
}

/** The first free port from `first` on, so that a second demonstration does not fail. */
async function freePort(first: number): Promise<number> {
  for (let candidate = first; candidate < Math.min(first + 50, 65_536); candidate++) {
    const taken = await new Promise<boolean>((resolve) => {
      const socket = connect(candidate, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (!taken) return candidate;
    step(`Port ${candidate} is taken, trying the next one.`);
  }
  return giveUp(`There is no free port from ${first} on`);
}
