/**
 * A whole gateway on loopback with the sample app behind it, for tests that look at it
 * from outside, as a client does. Real parts, no mocks; the clock may be set.
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { type SampleApp, startSampleApp } from '../../sample-app/src/app.ts';
import { type Gateway, startGateway, type Surroundings } from '../src/app/gateway.ts';
import { hashPassword } from '../src/auth/password-hash.ts';
import { loadConfig } from '../src/config/load.ts';

/** One line of the audit log, as standard output has it. */
export type AuditLine = Readonly<Record<string, unknown>>;

export interface TestGateway {
  /** `http://127.0.0.1:1234`. */
  readonly origin: string;
  readonly admin: string;
  readonly gateway: Gateway;
  readonly sample: SampleApp;
  /** The directory with the configuration and the state. */
  readonly folder: string;
  /** A second connection to the gateway's database, for tests that break it. */
  database(): DatabaseSync;
  /** Audit events so far, of one kind. */
  audit(kind: string): readonly AuditLine[];
  /** Everything that was written to standard output and to the log. */
  written(): string;
  close(): Promise<void>;
}

export interface TestOptions {
  /** The configuration after `listen`, `admin` and `state`; gets the sample app's origin. */
  readonly config: (upstream: string) => string;
  /** Further files beside the configuration. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** The `listen` section, when it is to be another than plain HTTP on a free loopback port. */
  readonly listen?: string;
  /** `admin.token`; default: none. */
  readonly adminToken?: string;
  readonly now?: () => number;
  readonly env?: Readonly<Record<string, string>>;
  /** A directory of an earlier gateway, to start on its state again. */
  readonly folder?: string;
  /** Threads that serve; default: 1, or what `CARDEA_TEST_THREADS` says for tests without a clock of their own. */
  readonly threads?: number;
  /** What else the gateway gets from its process. */
  readonly surroundings?: Pick<Surroundings, 'threads' | 'canSharePorts'>;
}

/** Starts a gateway with this configuration. Close it at the end of the test. */
export async function startTestGateway(options: TestOptions): Promise<TestGateway> {
  const sample = await startSampleApp({ port: 0 });
  try {
    return await startBefore(sample, options);
  } catch (error) {
    await sample.close();
    throw error;
  }
}

async function startBefore(sample: SampleApp, options: TestOptions): Promise<TestGateway> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'cardea-test-'));
  for (const [name, contents] of Object.entries(options.files ?? {}))
    writeFileSync(join(folder, name), contents, { mode: 0o600 });
  const listen = options.listen ?? '{ address: "127.0.0.1:0" }';
  const usualThreads = options.now === undefined ? Number(process.env['CARDEA_TEST_THREADS'] ?? 1) : 1;
  const threads = `threads: ${options.threads ?? usualThreads}\n`;
  const token = options.adminToken === undefined ? '' : `, token: "${options.adminToken}"`;
  const head = `listen: ${listen}\nadmin: { address: "127.0.0.1:0"${token} }\nstate: ./state\n${threads}`;
  const file = join(folder, 'cardea.yaml');
  writeFileSync(file, head + withCheapHashes(options.config(sample.origin)));
  const loaded = loadConfig(file, { env: options.env ?? {}, now: (options.now ?? Date.now)() });
  if (loaded.kind === 'wrong') throw new Error(JSON.stringify(loaded.problems, undefined, 2));
  const output = new PassThrough();
  const log = new PassThrough();
  const databases: DatabaseSync[] = [];
  let text = '';
  let lines = '';
  output.on('data', (chunk: Buffer) => (lines += chunk.toString()));
  log.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const gateway = await startGateway(loaded, {
    auditStream: output,
    log: pino({ base: null }, log),
    ...(options.now === undefined ? {} : { now: options.now }),
    ...options.surroundings,
  });
  return {
    origin: `${listen.includes('tls:') ? 'https' : 'http'}://${gateway.addresses[0]}`,
    admin: `http://${gateway.adminAddress}`,
    gateway,
    sample,
    folder,
    database: () => {
      const database = new DatabaseSync(join(folder, 'state', 'cardea.sqlite'));
      databases.push(database);
      return database;
    },
    audit: (kind) =>
      lines
        .split('\n')
        .filter((line) => line !== '')
        .map((line): AuditLine => JSON.parse(line))
        .filter((event) => event['kind'] === kind),
    written: () => lines + text,
    close: async () => {
      for (const database of databases) database.close();
      await gateway.close(0);
      await sample.close();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface TestRequest {
  readonly method?: string;
  /** As `fetch` has them; for several fields of one name or odd spellings, alternating names and values. */
  readonly headers?: OutgoingHttpHeaders | readonly string[];
  readonly body?: string | Uint8Array;
  readonly agent?: Agent;
}

export interface TestResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request with exactly these header fields; follows no redirect. */
export function send(url: string, options: TestRequest = {}): Promise<TestResponse> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, {
      rejectUnauthorized: false, // the tests' certificates are their own
      method: options.method ?? 'GET',
      headers: options.headers ?? {},
      ...(options.agent === undefined ? {} : { agent: options.agent }),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on('error', reject);
    });
    request.end(options.body);
  });
}

/** What a browser sends when a person opens a page. */
export const asBrowser = {
  Accept: 'text/html',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Site': 'none',
};

/** The session cookie that a response sets, as the `Cookie` field sends it; empty when it sets none. */
export function sessionOf(response: TestResponse): string {
  const lines = (response.headers['set-cookie'] ?? []).map((line) => line.split(';')[0] ?? '');
  return lines.find((line) => /^(?:__Host-)?cardea=/.test(line)) ?? '';
}

/** Signs out as the page does: with the token of the session. */
export async function signOut(origin: string, cookie: string): Promise<TestResponse> {
  return send(`${origin}/auth/logout`, { method: 'POST', headers: await withCsrf(origin, cookie) });
}

/** The session's cookie, and the token that shows that its own page has made a request. */
export async function withCsrf(origin: string, cookie: string): Promise<{ Cookie: string; 'X-CSRF-Token': string }> {
  const { body } = await send(`${origin}/auth/me`, { headers: { Cookie: cookie } });
  const { csrf_token: token } = JSON.parse(body);
  return { Cookie: cookie, 'X-CSRF-Token': String(token) };
}

export type Handshake =
  | {
      readonly kind: 'open';
      readonly socket: WebSocket;
      readonly first: Promise<string>;
      readonly cookies: readonly string[];
    }
  | { readonly kind: 'refused'; readonly status: number; readonly headers: IncomingHttpHeaders };

/** Opens a WebSocket; the sample app's first message tells what it received. */
export function openSocket(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  protocols: string[] = [],
): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace('http', 'ws'), protocols, { headers });
    const first = new Promise<string>((got) => socket.once('message', (data: Buffer) => got(data.toString())));
    let cookies: readonly string[] = [];
    socket.once('upgrade', (response) => (cookies = response.headers['set-cookie'] ?? []));
    socket.once('open', () => resolve({ kind: 'open', socket, first, cookies }));
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      resolve({ kind: 'refused', status: response.statusCode ?? 0, headers: response.headers });
    });
    socket.once('error', reject);
  });
}

/** Waits until `condition` holds, looking again whenever the event loop turns; fails after `limitMs` with `what`. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 5_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The hashes of `usersFile` are good enough: else each would be made anew at the first sign-in, and take its time from then on. */
const withCheapHashes = (config: string): string =>
  config.replaceAll(
    'password: { users: users.yaml }',
    'password: { users: users.yaml, argon2: { memory: 8MiB, passes: 1 } }',
  );

const hashes = new Map<string, Promise<string>>();

/** A users file in which everybody's password is the name with `-password` behind. Cheap hashes: these tests are not about argon2. */
export async function usersFile(groups: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const users = await Promise.all(
    Object.entries(groups).map(async ([name, of]) => {
      const hash = hashes.get(name) ?? hashPassword(`${name}-password`, { memory: 8_192, passes: 1, parallelism: 1 });
      hashes.set(name, hash);
      return { name, password_hash: await hash, account: `CORP\\${name}`, display_name: name, groups: [...of] };
    }),
  );
  return JSON.stringify({ users });
}

/** Signs in by the form and gives the `Cookie` field to send from then on. */
export async function signIn(origin: string, name: string, password = `${name}-password`): Promise<string> {
  const response = await send(`${origin}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ name, password, return: '/' }).toString(),
  });
  if (response.status !== 303) throw new Error(`Cannot sign in ${name}: ${response.status} ${response.body}`);
  return sessionOf(response);
}
