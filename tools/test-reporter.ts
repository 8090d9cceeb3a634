/**
 * Tells `npm test`, over the channel to it, what becomes of the tests in this process. `test-worker.ts` wraps each file
 * in a test of its own, at nesting 0; all else is in one of those.
 *
 * @module
 */
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';
import type { Failure } from './failure-report.ts';

/** What a process of `test-worker.ts` says. */
export type Told =
  /** A test has ended. */
  | { readonly kind: 'test'; readonly name: string; readonly outcome: Outcome; readonly reason?: string }
  /** A test, a suite, a hook or the file itself failed. */
  | { readonly kind: 'failure'; readonly failure: Failure }
  /** Everything in the file has ended. */
  | { readonly kind: 'end'; readonly milliseconds: number }
  /** An error that nobody caught, with its stack. If a test was running it is that test's failure as well. */
  | { readonly kind: 'uncaught'; readonly message: string; readonly stack: string }
  /** What Node's runner has to say about the process. */
  | { readonly kind: 'complaint'; readonly text: string }
  /** The last file is over, but something keeps the process alive, which these files have opened. */
  | { readonly kind: 'open'; readonly resources: readonly string[]; readonly files: readonly string[] };

export type Outcome = 'passed' | 'failed' | 'skipped' | 'todo';

/** Says one thing, and waits until it is on its way. */
async function tell(told: Told): Promise<void> {
  await new Promise((resolve) => process.send?.(told, undefined, undefined, resolve));
}

/** The reporter: prints nothing. */
// oxlint-disable-next-line import/no-default-export -- Node takes a reporter in no other way
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) for (const told of toldBy(event)) await tell(told);
  yield '';
}

/** What is to be said of one event. */
function toldBy(event: TestEvent): readonly Told[] {
  if (event.type === 'test:diagnostic')
    return /^(Error|Warning): /.test(event.data.message) ? [{ kind: 'complaint', text: event.data.message }] : [];
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return [];
  const { name, nesting, details, skip, todo } = event.data;
  const isFile = nesting === 0;
  const told: Told[] = [];
  if (event.type === 'test:fail' && todo === undefined)
    told.push({ kind: 'failure', failure: failureOf(isFile ? 'the file' : name, event.data.details.error) });
  if (isFile) told.push({ kind: 'end', milliseconds: details.duration_ms });
  else if (details.type !== 'suite') {
    let outcome: Outcome = event.type === 'test:pass' ? 'passed' : 'failed';
    if (todo !== undefined) outcome = 'todo';
    if (skip !== undefined && skip !== false) outcome = 'skipped';
    told.push({ kind: 'test', name, outcome, ...(typeof skip === 'string' ? { reason: skip } : {}) });
  }
  return told;
}

/** What the runner wraps an error in. */
type Wrapped = Error & { readonly failureType?: string };

function failureOf(name: string, { cause, failureType, message }: Wrapped): Failure {
  let text = message;
  if (cause instanceof Error) text = cause.stack ?? cause.message;
  else if (cause !== undefined) text = typeof cause === 'string' ? cause : inspect(cause);
  if (failureType === 'hookFailed') text = `${message}\n${text}`;
  return { name, text, byOthers: failureType === 'subtestsFailed' };
}
