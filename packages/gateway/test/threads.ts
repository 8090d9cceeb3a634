/**
 * For tests of several threads: to know which thread one is talking to, and to make one die.
 *
 * @module
 */
import { Agent, request } from 'node:http';
import { BroadcastChannel } from 'node:worker_threads';
import type { ThreadTuning } from '../src/app/supervisor.ts';
import { sessionOf, send, startTestGateway, type TestGateway, type TestOptions, type TestResponse } from './harness.ts';
import { type Death, type Order, ordersChannel } from './orders.ts';

/** Threads that die when they are told, and are started again soon. */
export const mortal: ThreadTuning = {
  entry: new URL('./mortal-thread.ts', import.meta.url),
  heapMb: 128,
  lateMs: 500,
  policy: { firstDelayMs: 10, longestDelayMs: 50, soundMs: 60_000, failedStarts: 3 },
};

/** A gateway with this many mortal threads. */
export const startThreads = (threads: number, options: Omit<TestOptions, 'threads'>): Promise<TestGateway> =>
  startTestGateway({ surroundings: { threads: mortal }, ...options, threads });

/** Makes the thread in this place (counted from 0) die. */
export function kill(place: number, death: Death): void {
  const orders = new BroadcastChannel(ordersChannel);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows of a browser
  orders.postMessage({ place, death } satisfies Order);
  orders.close();
}

/** A metric by its line's beginning; 0 when it is not there. */
export async function metric(gateway: TestGateway, line: string): Promise<number> {
  const { body } = await send(`${gateway.admin}/metrics`);
  const found = body.split('\n').find((one) => one.startsWith(`${line} `));
  return found === undefined ? 0 : Number(found.slice(line.length + 1));
}

/** A client connection, kept open, and the place of the thread that has taken it. */
export interface Line {
  readonly place: number;
  readonly agent: Agent;
}

/**
 * One kept connection to each of the threads. The system decides which thread takes a connection, so it
 * opens some until each thread has one. Nobody else may open connections meanwhile; the end of those that there
 * were may still be on its way.
 */
export async function linesToAll(gateway: TestGateway, threads: number): Promise<readonly Line[]> {
  const lines = new Map<number, Line>();
  for (let attempt = 0; attempt < 200 && lines.size < threads; attempt++) {
    const line = await openLine(gateway, threads);
    if (line !== undefined && !lines.has(line.place)) lines.set(line.place, line);
    else line?.agent.destroy();
  }
  if (lines.size < threads) throw new Error(`200 connections went to ${lines.size} of ${threads} threads`);
  return [...lines.values()].toSorted((a, b) => a.place - b.place);
}

/** Nothing when some other connection ended meanwhile: one cannot tell then who has taken the new one. */
async function openLine(gateway: TestGateway, threads: number): Promise<Line | undefined> {
  const before = await connectionsByThread(gateway, threads);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await send(`${gateway.origin}/auth/me`, { agent });
  const after = await connectionsByThread(gateway, threads);
  const grown = after.map((open, i) => open - (before[i] ?? 0));
  const place = grown.indexOf(1);
  if (place >= 0 && grown.every((more, i) => more === (i === place ? 1 : 0))) return { place, agent };
  agent.destroy();
  return undefined;
}

/** Open connections of each thread. */
export const connectionsByThread = (gateway: TestGateway, threads: number): Promise<number[]> =>
  Promise.all(
    Array.from({ length: threads }, (_, place) => metric(gateway, `cardea_connections{thread="${place + 1}"}`)),
  );

export function agentOf(line: Line | undefined): Agent {
  if (line === undefined) throw new Error('There is no such thread');
  return line.agent;
}

/** Tries to sign in by the form, over this connection. */
export const passwordBy = (
  gateway: TestGateway,
  line: Line | undefined,
  name: string,
  password: string,
): Promise<TestResponse> =>
  send(`${gateway.origin}/auth/login`, {
    agent: agentOf(line),
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ name, password, return: '/' }).toString(),
  });

/** Signs in over this connection, and gives the `Cookie` field. */
export async function signInBy(gateway: TestGateway, line: Line | undefined, name: string): Promise<string> {
  const response = await passwordBy(gateway, line, name, `${name}-password`);
  if (response.status !== 303) throw new Error(`Cannot sign in ${name}: ${response.status} ${response.body}`);
  return sessionOf(response);
}

/** One request over a connection of its own, which stays open; without a status when the connection was closed instead. */
export function fetchOnce(
  origin: string,
): Promise<{ readonly status: number | undefined; readonly close: () => void }> {
  return new Promise((resolve) => {
    const agent = new Agent({ keepAlive: true });
    const close = (): void => agent.destroy();
    const asked = request(`${origin}/auth/me`, { agent });
    asked.on('error', () => resolve({ status: undefined, close }));
    asked.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode, close }));
    });
    asked.end();
  });
}
