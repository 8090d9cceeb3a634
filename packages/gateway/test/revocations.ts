/**
 * For tests of sessions that are ended before their time.
 *
 * @module
 */
import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { runCli } from '../src/cli/run.ts';
import { Screen } from '../src/cli/testing.ts';
import { send, type TestRequest, type TestResponse } from './harness.ts';

/** What `cardea sessions` with these arguments says, beside the gateway in this folder. Throws when it does not succeed. */
export async function cardeaSessions(folder: string, ...argv: readonly string[]): Promise<string> {
  const [stdout, stderr] = [new Screen(), new Screen()];
  const terminal = { stdin: Readable.from([]), stdout, stderr, env: {}, cwd: folder, version: '1', now: Date.now };
  const status = await runCli(['sessions', ...argv], { serve: async () => {}, terminal });
  if (status !== 0) throw new Error(`cardea sessions ${argv.join(' ')}: ${status} ${stderr.text}`);
  return stdout.text;
}

/** One line of `cardea sessions list --json`. */
export interface ListedSession {
  readonly id: string;
  readonly account: string;
  readonly subject: string;
  readonly method: string;
  readonly address: string;
  readonly device: string;
  readonly app: string;
  readonly since: string;
  readonly lastSeen: string;
}

/** Who is signed in, as administrators see it: the newest first. */
export async function listed(folder: string, ...options: readonly string[]): Promise<readonly ListedSession[]> {
  const { sessions }: { sessions: readonly ListedSession[] } = JSON.parse(
    await cardeaSessions(folder, 'list', '--json', ...options),
  );
  return sessions;
}

/** One question, asked again and again. */
export type Probe = () => Promise<TestResponse>;

/** Asks who is there, as a program does. */
export const whoami =
  (origin: string, cookie: string, options: Pick<TestRequest, 'agent'> = {}): Probe =>
  () =>
    send(`${origin}/api/whoami`, { ...options, headers: { Cookie: cookie } });

/** How many milliseconds after `began` each of these is refused as somebody who is not signed in. Fails after five seconds. */
export function timesToEnd(began: number, probes: readonly Probe[]): Promise<readonly number[]> {
  return Promise.all(
    probes.map(async (probe) => {
      for (;;) {
        const { status } = await probe();
        const elapsed = performance.now() - began;
        if (status === 401) return elapsed;
        if (status !== 200) throw new Error(`A session that is to end was answered with ${status}`);
        if (elapsed > 5_000) throw new Error('A session that was to end goes on');
        await new Promise((resolve) => setTimeout(resolve, 10)); // another thread is to hear of it: nothing tells us
      }
    }),
  );
}

/** For the report of a test: the longest of them. */
export const longest = (times: readonly number[]): string => `${Math.ceil(Math.max(...times))} ms`;

/** Somebody who asks without a pause, until told to stop. */
export interface Load {
  /** Ends it, and gives how often each status was the answer. */
  stop(): Promise<ReadonlyMap<number, number>>;
}

/** Asks by several connections at once. */
export function load(probe: (agent: Agent) => Probe, connections = 4): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const ask = probe(agent);
  const statuses = new Map<number, number>();
  const stopped = new AbortController();
  const loops = Array.from({ length: connections }, async () => {
    while (!stopped.signal.aborted) {
      const { status } = await ask();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  return {
    stop: async () => {
      stopped.abort();
      await Promise.all(loops);
      agent.destroy();
      return statuses;
    },
  };
}
