import { networkInterfaces } from 'node:os';
import type { Loaded } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import { Secret } from '../core/secret.ts';
import { type Check, type Env, type Finding, reasonOf, type Side, unknown } from './check.ts';
import { openQuestions } from './directory-questions.ts';
import { namesBy } from './names.ts';
import { checks as allChecks } from './registry.ts';

/** What one examination is about. */
export interface Examination {
  readonly side: Side;
  readonly loaded: Loaded;
  readonly problems: readonly Problem[];
  readonly withFiles: boolean;
  readonly now: () => number;
  readonly targets?: readonly string[];
  readonly urls?: readonly URL[];
  readonly ca?: string | undefined;
  /** A name server to ask in the place of this machine's own way. */
  readonly dns?: string | undefined;
  /** Ids of checks or findings; default: all. */
  readonly only?: readonly string[];
  /** For one attempt, and for one check. */
  readonly attemptMs?: number;
  readonly checkMs?: number;
  /** The addresses of this machine; default: those of its network interfaces. */
  readonly addresses?: readonly string[];
  readonly checks?: readonly Check[];
}

/** So many checks run at the same time. */
const atOnce = 8;

/**
 * Runs every check that can see something from this side, and gives all findings in the order of the registry. A check that takes
 * too long, or that breaks, is one `unknown`. Never throws for what a check does.
 */
export async function examine(examination: Examination): Promise<readonly Finding[]> {
  const { side, loaded, only = [], attemptMs = 3_000, checkMs = 20_000, checks = allChecks } = examination;
  const directory = side === 'gateway' && examination.withFiles ? openQuestions(loaded, attemptMs) : undefined;
  const env: Omit<Env, 'signal'> = {
    side,
    loaded,
    problems: examination.problems,
    withFiles: examination.withFiles,
    now: examination.now,
    attemptMs,
    addresses: examination.addresses ?? ownAddresses(),
    names: namesBy(examination.dns, attemptMs),
    targets: examination.targets ?? [],
    urls: examination.urls ?? [],
    ca: examination.ca,
    directory,
  };
  const isWanted = ({ id, finds }: Check): boolean =>
    only.length === 0 || only.includes(id) || Object.keys(finds).some((one) => only.includes(one));
  const wanted = checks.filter((check) => check.sides.includes(side) && isWanted(check));
  const results: (readonly Finding[])[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < wanted.length; i = next++) {
      const check = wanted[i];
      if (check !== undefined) results[i] = await inTime(check, env, checkMs);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, wanted.length) }, work));
  } finally {
    await directory?.close();
  }
  const secrets = secretsIn(loaded.config);
  const isAsked = ({ id }: Finding, check: Check): boolean =>
    only.length === 0 || only.includes(id) || only.includes(check.id);
  return wanted.flatMap((check, i) =>
    (results[i] ?? []).filter((finding) => isAsked(finding, check)).map((finding) => without(secrets, finding)),
  );
}

async function inTime(check: Check, env: Omit<Env, 'signal'>, checkMs: number): Promise<readonly Finding[]> {
  const end = new AbortController();
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => {
    end.abort();
    resolve('late');
  }, checkMs);
  const unfinished = (seen: string): readonly Finding[] => [
    unknown(
      { id: Object.keys(check.finds)[0] ?? check.id, about: check.title, tried: 'the whole check', seen },
      'Try again; if it stays so, tell us.',
    ),
  ];
  try {
    const running = check.run({ ...env, signal: end.signal });
    const result = await Promise.race([running, late]);
    if (result !== 'late') return result;
    running.catch(() => undefined); // nobody waits for it any more
    return unfinished(`it did not end within ${checkMs / 1_000} s`);
  } catch (error) {
    return unfinished(reasonOf(error));
  } finally {
    clearTimeout(timer);
  }
}

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((list) =>
    // What is link-local needs a zone beside it, and is no way for people.
    (list ?? []).flatMap(({ address }) => (address.startsWith('fe80:') ? [] : [address])),
  );

/** Every secret of the configuration, longest first. */
function secretsIn(value: unknown): readonly string[] {
  const found = new Set<string>();
  const visit = (one: unknown): void => {
    if (one instanceof Secret) found.add(one.reveal());
    else if (typeof one === 'object' && one !== null) for (const child of Object.values(one)) visit(child);
  };
  visit(value);
  return [...found].filter((text) => text.length >= 4).sort((a, b) => b.length - a.length);
}

/** A last line of defence: whatever a server has put into its refusal, our own secrets are not in a report. */
function without(secrets: readonly string[], finding: Finding): Finding {
  const clean = (text: string): string => secrets.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
  const { about, tried, seen, todo } = finding;
  return { ...finding, about: clean(about), tried: clean(tried), seen: clean(seen), todo: todo && clean(todo) };
}
