/**
 * People and programs who ask for far more than they may have, and go away when they like.
 *
 * @module
 */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { holdField, sentField } from './counting-backend.ts';

/** Who asks, and how. */
export interface Asker {
  readonly name: string;
  /** Fields that say who it is. */
  readonly fields: Readonly<Record<string, string>>;
  /** How long a response lasts, on average. */
  readonly holdMs: number;
  /** Goes away at any moment, also before there is an answer. The others go away in mid-stream. */
  readonly hasty?: boolean;
}

/** What became of a request. `cut`: by somebody else, or there was nobody. */
export type Fate = 'done' | 'cancelled' | 'cut' | `${number}`;

/** One that did not go as it should, or was refused. */
export interface Mishap {
  readonly fate: Fate;
  /** `performance.now()`. */
  readonly at: number;
  /** The number of the gateway. */
  readonly gateway: number;
}

/** What has happened to those of one asker. */
export interface Tally {
  readonly fates: Map<Fate, number>;
  /** All but those with 200 and 429. */
  readonly mishaps: Mishap[];
  /** Refusals by the limit of the minute: when that was asked, and answered. */
  readonly byMinute: { readonly sent: number; readonly at: number }[];
  /** Refusals that do not say when to come back. */
  vague: number;
}

export interface LoadOptions {
  readonly host: string;
  readonly askers: readonly Asker[];
  /** Clients of each asker at each gateway, which ask one request after the other. */
  readonly clients: number;
  /** The addresses of the gateways as they are now. */
  readonly origins: () => readonly string[];
  /** How long a client waits, on average, before it asks again after a refusal. It does not care for `Retry-After`. */
  readonly againMs: number;
}

export interface Load {
  readonly tallies: ReadonlyMap<string, Tally>;
  /** All of them go away at once. */
  stop(): Promise<void>;
}

/** Each part of a whole that is waited for comes between half of it and one and a half. */
const about = (ms: number): number => ms * (0.5 + Math.random());

/** Begins to ask. */
export function startLoad({ host, askers, clients, origins, againMs }: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true });
  const stopped = new AbortController();
  const { signal } = stopped;
  const tallies = new Map<string, Tally>();

  async function work(asker: Asker, tally: Tally, gateway: number): Promise<void> {
    while (!signal.aborted) {
      const holdMs = about(asker.holdMs);
      const sent = performance.now();
      const { fate, retryAfter, text } = await ask({
        url: `${origins()[gateway]}/v1/chat/completions`,
        fields: { Host: host, ...asker.fields },
        holdMs,
        agent,
        signal,
        ...leaving(asker, holdMs),
      });
      tally.fates.set(fate, (tally.fates.get(fate) ?? 0) + 1);
      if (fate === '429' && !/^[1-9]\d*$/.test(retryAfter)) tally.vague++;
      if (fate === '429' && text.includes('requests per minute')) tally.byMinute.push({ sent, at: performance.now() });
      if (fate !== 'done' && fate !== 'cancelled' && fate !== '429')
        tally.mishaps.push({ fate, at: performance.now(), gateway });
      // Somebody who is in no hurry: those who ask are to be many, and the machine has other things to do.
      if (fate !== 'done' && fate !== 'cancelled')
        await delay(about(againMs), undefined, { signal }).catch(() => undefined);
    }
  }

  const loops = askers.flatMap((asker) => {
    const tally: Tally = { fates: new Map(), mishaps: [], byMinute: [], vague: 0 };
    tallies.set(asker.name, tally);
    return origins().flatMap((_, gateway) => Array.from({ length: clients }, () => work(asker, tally, gateway)));
  });
  return {
    tallies,
    async stop() {
      stopped.abort();
      await Promise.all(loops);
      agent.destroy();
    },
  };
}

interface Leaving {
  /** After the first byte of the response. */
  readonly leaveMs?: number;
  /** After the request was sent. */
  readonly leaveEarlyMs?: number;
}

function leaving({ hasty = false }: Asker, holdMs: number): Leaving {
  const chance = Math.random();
  if (hasty && chance < 0.4) return { leaveEarlyMs: Math.random() * 15 };
  return chance < 0.7 ? {} : { leaveMs: Math.random() * holdMs };
}

export interface Question extends Leaving {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly holdMs: number;
  readonly agent?: Agent;
  /** Goes away when it is aborted. */
  readonly signal?: AbortSignal;
  /** The head of a response with 200 has come. */
  readonly onHead?: () => void;
}

const body = JSON.stringify({ model: 'none', stream: true, messages: [{ role: 'user', content: 'Hold the line.' }] });

export interface Answer {
  readonly fate: Fate;
  readonly retryAfter: string;
  /** The content of a refusal. */
  readonly text: string;
}

/** Asks once. */
export function ask(question: Question): Promise<Answer> {
  const { url, fields, holdMs, agent, signal, leaveMs, leaveEarlyMs, onHead } = question;
  return new Promise((resolve) => {
    let left = false;
    let text = '';
    let timer: NodeJS.Timeout | undefined;
    const headers = {
      ...fields,
      'Content-Type': 'application/json',
      [holdField]: String(Math.round(holdMs)),
      [sentField]: String(performance.now()),
    };
    const asked = request(url, { method: 'POST', headers, ...(agent === undefined ? {} : { agent }) });
    const leave = (): void => {
      left = true;
      asked.destroy();
    };
    const settle = (fate: Fate, retryAfter = ''): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
      resolve({ fate: left ? 'cancelled' : fate, retryAfter, text });
    };
    asked.on('response', (response) => {
      const { statusCode, headers: answered } = response;
      if (statusCode === 200) onHead?.();
      if (statusCode === 200 && leaveMs !== undefined) timer = setTimeout(leave, leaveMs);
      response.on('error', () => settle('cut'));
      response.on('end', () => settle(statusCode === 200 ? 'done' : `${statusCode ?? 0}`, answered['retry-after']));
      if (statusCode === 200) response.resume();
      else response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    });
    asked.on('error', () => settle('cut'));
    asked.on('close', () => settle('cut')); // where nothing else has come before
    if (leaveEarlyMs !== undefined) timer = setTimeout(leave, leaveEarlyMs);
    signal?.addEventListener('abort', leave);
    asked.end(body);
    if (signal?.aborted === true) leave();
  });
}
