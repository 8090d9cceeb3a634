/**
 * Starts Keycloak on a free loopback port, with everything in memory, and speaks with its administration.
 *
 * @module
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { environment } from './files.ts';
import { javaOptions, keycloakFolder } from './keycloak.ts';
import { freePort } from './ports.ts';
import { tail } from './processes.ts';

export interface Keycloak {
  /** `http://localhost:1234`: another host than 127.0.0.1, since cookies do not tell ports apart. */
  readonly origin: string;
  /** Has its administration's interface do something, `path` below `/admin/realms`. Throws when that refuses. */
  admin(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<void>;
  /** What that interface lists there. */
  list(path: string): Promise<readonly KeycloakThing[]>;
  close(): Promise<void>;
}

/** A person, group, session or other thing, as the administration's interface has it. */
export type KeycloakThing = Readonly<Record<string, unknown>> & { readonly id: string };

/** Starts it; ten to twenty seconds. It has no realm but its own. Close it at the end of the test. */
export async function startKeycloak(): Promise<Keycloak> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const password = randomBytes(18).toString('hex');
  const home = mkdtempSync(join(tmpdir(), 'cardea-keycloak-'));
  const log = join(home, 'log');
  const child = spawnKeycloak(port, password, home, log);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  // It keeps nothing, so there is nothing to end in good order.
  const kill = (): void => void child.kill('SIGKILL');
  const close = async (): Promise<void> => {
    kill();
    await ended;
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const deadline = Date.now() + 120_000;
    while (!(await answers(`${origin}/realms/master`))) {
      if (child.exitCode !== null || child.pid === undefined || Date.now() > deadline)
        throw new Error(`Cannot start Keycloak (${child.exitCode ?? 'no answer'}):\n${tail(log)}`);
      await delay(100); // another program's start: there is no event to wait for
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    origin,
    admin: async (...request) => void (await administer(origin, password, ...request)),
    list: async (path) => JSON.parse(await administer(origin, password, 'GET', path)),
    close,
  };
}

function spawnKeycloak(port: number, password: string, home: string, log: string): ChildProcess {
  // It writes below its home, and many may run of the one that is installed.
  for (const name of ['lib', 'conf', 'providers', 'themes']) symlinkSync(join(keycloakFolder, name), join(home, name));
  const temporary = join(home, 'tmp');
  mkdirSync(temporary);
  const listen = ['--http-enabled=true', '--http-host=127.0.0.1', `--http-port=${port}`, '--hostname-strict=false'];
  const args = ['start', '--optimized', `-Dkc.home.dir=${home}`, '--cache=local', ...listen];
  const output = openSync(log, 'w');
  try {
    // The script ends in the server itself, so that there is one process. It dies with ours, however that ends.
    const program = ['--pdeathsig', 'KILL', join(keycloakFolder, 'bin/kc.sh')];
    return spawn('/usr/bin/setpriv', [...program, ...args], {
      cwd: home,
      stdio: ['ignore', output, output],
      env: environment({
        HOME: home,
        JAVA_OPTS: `${javaOptions()} -Djava.io.tmpdir=${temporary}`,
        KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
        KC_BOOTSTRAP_ADMIN_PASSWORD: password,
      }),
    }).on('error', () => {}); // told by the missing number of the process
  } finally {
    closeSync(output);
  }
}

async function administer(
  origin: string,
  password: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<string> {
  const form = { grant_type: 'password', client_id: 'admin-cli', username: 'admin', password };
  const answer = await fetch(`${origin}/realms/master/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  });
  const { access_token: token }: { access_token?: string } = JSON.parse(await answer.text());
  const response = await fetch(`${origin}/admin/realms${path}`, {
    method,
    headers: { Authorization: `Bearer ${token ?? ''}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`Keycloak refuses ${method} /admin/realms${path}: ${response.status} ${text}`);
  return text;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
