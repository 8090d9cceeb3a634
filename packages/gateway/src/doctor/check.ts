/**
 * What one check of `cardea doctor` is, what it may use, and what it says.
 *
 * @module
 */
import type { Loaded } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import type { DirectoryQuestions } from './directory-questions.ts';
import type { Names } from './names.ts';

/** Where doctor runs: beside the gateway, on the machine of the apps, or anywhere else, as a client. */
export type Side = 'gateway' | 'app' | 'outside';

/** `unknown`: it could not be tried, or what was seen proves nothing. It is not `pass`. */
export type Verdict = 'pass' | 'fail' | 'unknown';

/** One thing that was tried. No text of it contains a secret. */
export interface Finding {
  /** One of the check's `finds`. */
  readonly id: string;
  readonly verdict: Verdict;
  /** What it is about: an app, an address, a file. */
  readonly about: string;
  readonly tried: string;
  readonly seen: string;
  /** What to do about it; `undefined` for what has passed. */
  readonly todo: string | undefined;
}

/** What a check gets. It may ask and look, and changes nothing. */
export interface Env {
  readonly side: Side;
  readonly loaded: Loaded;
  /** What `cardea check --production` says of the configuration. */
  readonly problems: readonly Problem[];
  /** Whether the files and secrets were read that the configuration names. */
  readonly withFiles: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** For one attempt, such as a connection. */
  readonly attemptMs: number;
  /** Fires when the check has used up its time. */
  readonly signal: AbortSignal;
  /** The addresses of this machine, loopback among them. */
  readonly addresses: readonly string[];
  readonly names: Names;
  /** Addresses of the other machines, for a look from outside. Empty: as the names of the apps resolve. */
  readonly targets: readonly string[];
  /** Addresses that browsers use, where they are not those of `listen`: `https://desk.corp.example`. */
  readonly urls: readonly URL[];
  /** PEM of authorities that browsers trust here, besides those of the system. */
  readonly ca: string | undefined;
  /** `undefined` without `directory.ldap`. */
  readonly directory: DirectoryQuestions | undefined;
}

/** One file below `checks/`, and one line in `registry.ts`. */
export interface Check {
  readonly id: string;
  readonly title: string;
  /** From where it can see something. */
  readonly sides: readonly Side[];
  /** The ids of its findings, each with what it is about. The first one also stands for a check that could not end. */
  readonly finds: Readonly<Record<string, string>>;
  /** Nothing to say: no finding. */
  run(env: Env): Promise<readonly Finding[]>;
}

/** What all three kinds of findings say. */
export interface Seen {
  readonly id: string;
  readonly about: string;
  readonly tried: string;
  readonly seen: string;
}

/** It is as it should be. */
export const pass = (seen: Seen): Finding => ({ ...seen, verdict: 'pass', todo: undefined });

/** It is wrong. */
export const fail = (seen: Seen, todo: string): Finding => ({ ...seen, verdict: 'fail', todo });

/** It could not be found out. */
export const unknown = (seen: Seen, todo: string): Finding => ({ ...seen, verdict: 'unknown', todo });

/** In words what went wrong, without anything that was sent or received. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const inner = error instanceof AggregateError ? error.errors.find((one) => one instanceof Error) : undefined;
  if (inner !== undefined) return reasonOf(inner);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code === undefined ? error.message : (words[code] ?? code);
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'there was no answer in time',
  ENOENT: 'it does not exist',
  EACCES: 'this user may not do that',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'the name cannot be looked up',
};
