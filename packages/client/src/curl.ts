import { spawn } from 'node:child_process';
import type { Negotiate, NegotiateAnswer } from './negotiate.ts';
import { signOnError } from './sign-on-fault.ts';
import { TokenError } from './token-error.ts';

export interface CurlOptions {
  /** Default: `curl`, as `PATH` has it. */
  readonly program?: string;
  /** Tells whether there is a ticket. Default: `klist`. */
  readonly klist?: string;
  /** Default: that of this process. A `.curlrc` in `CURL_HOME` or the home directory counts, as for every curl. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** How much of an answer is read. */
const longestAnswer = 1024 * 1024;

/**
 * Signs in by a `curl` that can Negotiate, for systems where nothing can be called directly. What curl is given as arguments
 * can be seen by everybody on the machine: there is nothing secret in them.
 */
export function curlNegotiate({ program = 'curl', klist = 'klist', env }: CurlOptions = {}): Negotiate {
  return {
    async post({ url, body, signal }) {
      const { code, stdout, stderr } = await run(program, argumentsFor(url), body, signal, env);
      if (code !== 0) throw curlError(code, stderr, url);
      const answer = readOutput(stdout);
      if (answer.status === 401) await assertTicket(klist, signal, env, url.hostname);
      return answer;
    },
  };
}

function argumentsFor(url: URL): readonly string[] {
  const json = ['--header', 'Content-Type: application/json', '--header', 'Accept: application/json'];
  const out = ['--silent', '--show-error', '--max-redirs', '0', '--write-out', '\n%{http_code}'];
  return [...out, '--negotiate', '--user', ':', ...json, '--data-binary', '@-', '--globoff', '--url', url.href];
}

/** The body, and in the last line the status. */
export function readOutput(stdout: string): NegotiateAnswer {
  const end = stdout.lastIndexOf('\n');
  const status = stdout.slice(end + 1).trim();
  if (end < 0 || !/^[1-5]\d\d$/.test(status)) throw new TokenError('bad-answer', 'curl has given no status');
  return { status: Number(status), body: stdout.slice(0, end) };
}

function curlError(code: number, stderr: string, url: URL): TokenError {
  const said = stderr.trim().slice(0, 300);
  if (code === 2 || code === 4)
    return new TokenError('no-way-to-sign-in', `this curl cannot Negotiate; install koffi (npm) instead (${said})`);
  return new TokenError(
    'issuer-unreachable',
    `curl cannot ask ${url.origin} (${said === '' ? `exit status ${code}` : said})`,
  );
}

/** Without a ticket curl says nothing: it only has no answer to the challenge. */
async function assertTicket(klist: string, signal: AbortSignal, env: CurlOptions['env'], host: string): Promise<void> {
  let code: number;
  try {
    ({ code } = await run(klist, ['-s'], '', signal, env));
  } catch {
    return; // Windows' klist has no such option, and others may have none: the issuer's answer has to do.
  }
  if (code === 1) throw signOnError('no-ticket', host, 'klist finds none that is still good');
}

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  program: string,
  args: readonly string[],
  input: string,
  signal: AbortSignal,
  env: CurlOptions['env'] = process.env,
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...env }, signal, stdio: 'pipe', windowsHide: true });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      if (stdout.length > longestAnswer) child.kill();
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr = (stderr + chunk).slice(-2_000)));
    child.on('error', (error) => {
      const missing = 'code' in error && error.code === 'ENOENT';
      reject(missing ? new TokenError('no-way-to-sign-in', `there is no ${program} on this machine`) : error);
    });
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
    // It may end before it has read everything, and says why itself.
    child.stdin.on('error', () => {}).end(input);
  });
}
