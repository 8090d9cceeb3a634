/**
 * Signing in to the lab's domain, and real GSSAPI tokens.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { passwordOf } from './domain.ts';
import { environment, paths } from './files.ts';
import { libfaketimePaths } from './packages.ts';
import { run } from './processes.ts';

const python = '/usr/bin/python3';
const script = join(import.meta.dirname, 'tokens.py');

export type TokenFlag = 'mutual' | 'delegate' | 'dce-style';

export interface TokenRequest {
  readonly count?: number;
  /** Whose ticket; signed in for the purpose, unless `ccache` is given. */
  readonly user?: string;
  readonly ccache?: string;
  /** The service is `HTTP/host`. */
  readonly host?: string;
  readonly flags?: readonly TokenFlag[];
  readonly mechanism?: 'spnego' | 'krb5';
  /** Application data of the channel bindings (RFC 5929), such as `tls-server-end-point:` and a certificate's hash. */
  readonly channelBindings?: Uint8Array;
  /** How far the client's clock is ahead of ours; negative: behind. */
  readonly skewSeconds?: number;
  readonly krb5Conf?: string;
}

/** Signs a user in with the password and returns the path of a credential cache of its own. */
export async function kinit(user: string, krb5Conf: string = paths.krb5Conf): Promise<string> {
  mkdirSync(paths.ccaches, { recursive: true });
  const ccache = join(paths.ccaches, `${user}-${randomUUID()}`);
  const env = { KRB5CCNAME: `FILE:${ccache}`, KRB5_CONFIG: krb5Conf };
  await run('/usr/bin/kinit', [user], { env, input: `${passwordOf(user)}\n` });
  return ccache;
}

/** Makes fresh initial tokens with MIT Kerberos: alice's, for app.corp.example, by SPNEGO, unless told otherwise. */
export async function makeTokens(request: TokenRequest = {}): Promise<readonly Buffer[]> {
  const { wanted, env } = await prepare(request);
  const lines = await run(python, [script], { env, input: `${JSON.stringify(wanted)}\n` });
  return lines.trim().split('\n').map(fromBase64);
}

/** A client in the middle of signing on: its first token, and its judgement of the acceptor's reply. */
export interface Initiator {
  readonly token: Buffer;
  /** `established`, `continue`, or `failed: ` with MIT's reason. To be called once. */
  finish(reply: Uint8Array): Promise<string>;
}

/** Starts to sign on as `makeTokens` does, with a client that waits for the acceptor's reply. */
export async function startInitiator(request: TokenRequest = {}): Promise<Initiator> {
  const { wanted, env } = await prepare({ ...request, count: 1 });
  const child = spawn(python, [script], { env: environment(env), stdio: ['pipe', 'pipe', 'inherit'], timeout: 60_000 });
  child.stdin.write(`${JSON.stringify({ ...wanted, finish: true })}\n`);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value } = await lines.next();
    if (typeof value !== 'string') throw new Error('Cannot sign on with MIT Kerberos: tokens.py ended early');
    return value;
  };
  const finish = (reply: Uint8Array): Promise<string> => {
    child.stdin.end(`${Buffer.from(reply).toString('base64')}\n`);
    return next();
  };
  return { token: fromBase64(await next()), finish };
}

interface Prepared {
  readonly wanted: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
}

async function prepare(request: TokenRequest): Promise<Prepared> {
  const krb5Conf = request.krb5Conf ?? paths.krb5Conf;
  const ccache = request.ccache ?? (await kinit(request.user ?? 'alice', krb5Conf));
  const wanted = {
    count: request.count ?? 1,
    host: request.host ?? 'app.corp.example',
    flags: request.flags ?? [],
    mechanism: request.mechanism ?? 'spnego',
    channelBindings: request.channelBindings && Buffer.from(request.channelBindings).toString('base64'),
  };
  const env = { KRB5CCNAME: `FILE:${ccache}`, KRB5_CONFIG: krb5Conf };
  const skew = request.skewSeconds ?? 0;
  if (skew === 0) return { wanted, env };
  // The KDC would refuse a client with a wrong clock: the ticket is fetched with the right one, and lies in the cache then.
  await run(python, [script], { env, input: `${JSON.stringify({ ...wanted, count: 1 })}\n` });
  return { wanted, env: { ...env, KRB5_CONFIG: paths.krb5ConfSkewed, ...shiftedClock(skew) } };
}

/** Environment of a program whose clock is ahead by so many seconds; negative: behind. */
export function shiftedClock(seconds: number): Readonly<Record<string, string>> {
  const library = libfaketimePaths().find((path) => existsSync(path));
  if (library === undefined) throw new Error('Cannot shift a clock: libfaketime is missing; run "npm run lab:install"');
  return { LD_PRELOAD: library, FAKETIME: `${seconds > 0 ? '+' : ''}${seconds}` };
}

const fromBase64 = (line: string): Buffer => Buffer.from(line, 'base64');
