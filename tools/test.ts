/**
 * `npm test`: runs every suite that can run here, in stages, and says which could
 * not and how to enable it.
 *
 *     npm test                      everything
 *     npm test -- unit              one stage (unit, integration, lab)
 *     npm test -- keytab            test files whose path contains the word
 *
 * With CARDEA_REQUIRE_LAB=1 (as CI sets it) a skipped lab suite is a failure.
 *
 * @module
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { paths } from '../lab/files.ts';
import { stopLab } from '../lab/lab.ts';
import { available } from '../lab/packages.ts';
import { isRunning } from '../lab/processes.ts';
import { type Failure, failureReport } from './failure-report.ts';

interface Stage {
  readonly name: string;
  readonly files: string;
  /** Files that run at the same time. Suites that share the one lab take turns. */
  readonly concurrency: number;
  readonly timeoutMs: number;
}

const stages: readonly Stage[] = [
  { name: 'unit', files: '{packages/*/src,tools,lab,bench}/**/*.test.ts', concurrency: 2, timeoutMs: 60_000 },
  { name: 'integration', files: '{packages/*/test,test/integration}/**/*.test.ts', concurrency: 2, timeoutMs: 300_000 },
  { name: 'lab', files: 'test/lab/**/*.test.ts', concurrency: 1, timeoutMs: 300_000 },
];

const root = join(fileURLToPath(import.meta.url), '../..');
// Each file has a process of its own, and all of them would read the same modules anew. What Node has made of one it
// keeps here, by the module's content; the gateways that tests start find it too.
process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules/.cache/cardea-tests');
const word = process.argv[2];
const total = { passed: 0, failed: 0 };
const skipped: string[] = [];
let labSkipped = false;
/** What failed in each file, and the end of what each file has printed. */
const failures = new Map<string, Failure[]>();
const printed = new Map<string, string>();
const started = performance.now();

for (const stage of stages) {
  const files = globSync(stage.files, { cwd: root, exclude: (path) => path.includes('node_modules') })
    .filter((path) => word === undefined || word === stage.name || path.includes(word))
    .map((path) => join(root, path))
    .sort();
  if (files.length === 0) continue;
  if (stage.name === 'lab') {
    const missing = available();
    if (missing.length > 0) {
      labSkipped = true;
      skipped.push(
        `lab suites (${files.length} files), which need ${missing.join(', ')}. On Debian 12, as root: npm run lab:install, then npm test`,
      );
      continue;
    }
  }
  console.log(`\n${stage.name}: ${files.length} files`);
  // The first lab suite starts the domain, the others use it. One that ran before (npm run lab) goes on.
  const leave = stage.name !== 'lab' || isRunning(paths.controllerPid);
  await runStage(stage, files);
  if (!leave) await stopLab();
}

// Hooks that fail are no tests, and are in no count.
if (total.failed === 0) total.failed = failures.size;
if (skipped.length > 0) console.log(`\nSkipped:\n${skipped.map((line) => `  - ${line}`).join('\n')}`);
for (const [file, told] of failures) console.log(`\n${failureReport(file, told, printed.get(file) ?? '')}`);
console.log(`\n${((performance.now() - started) / 1000).toFixed(1)} s`);
console.log(`${total.passed} passed, ${total.failed} failed, ${skipped.length} skipped`);
const labMissing = process.env['CARDEA_REQUIRE_LAB'] === '1' && labSkipped;
if (labMissing) console.log('CARDEA_REQUIRE_LAB=1: a skipped lab suite fails this run.');
process.exitCode = total.failed > 0 || total.passed === 0 || labMissing ? 1 : 0;

/** Runs the files, each in a process of its own, and prints one line per file as it ends. */
async function runStage(stage: Stage, files: readonly string[]): Promise<void> {
  const silent = new Set(files);
  /** The files that run, and when each of them was last heard of. */
  const lastSeen = new Map<string, number>();
  const hang = new AbortController();
  // No test takes longer than it may. One that fails may leave a server behind, though, and its file then never ends.
  const look = setInterval(() => {
    const since = performance.now() - stage.timeoutMs - 60_000;
    const stuck = [...lastSeen].filter(([, seen]) => seen < since).map(([file]) => file);
    for (const file of stuck) addFailure(short(file), { name: 'the file', text: 'does not end', byOthers: false });
    if (stuck.length > 0) hang.abort();
  }, 1_000);
  const events = run({
    files: [...files],
    concurrency: stage.concurrency,
    timeout: stage.timeoutMs,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    signal: hang.signal,
  });
  for await (const event of events) {
    const about = 'file' in event.data ? event.data.file : undefined;
    const ofFile = 'name' in event.data && event.data.name === about;
    if (about !== undefined && (lastSeen.has(about) || (ofFile && event.type === 'test:dequeue')))
      lastSeen.set(about, performance.now());
    if (about !== undefined && ofFile && event.type === 'test:complete') lastSeen.delete(about);
    if (event.type === 'test:stdout' || event.type === 'test:stderr') {
      const file = short(event.data.file);
      printed.set(file, ((printed.get(file) ?? '') + event.data.message).slice(-8_000));
    } else if (event.type === 'test:pass') {
      const { skip, file, name } = event.data;
      if (skip === undefined || skip === false) continue;
      skipped.push(`${short(file)}: ${name}${typeof skip === 'string' && skip !== '' ? `: ${skip}` : ''}`);
      labSkipped ||= short(file).startsWith('test/lab/');
    } else if (event.type === 'test:fail') {
      const { details, file, name } = event.data;
      const { cause, failureType, message } = details.error;
      const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? message);
      addFailure(short(file), { name, text, byOthers: failureType === 'subtestsFailed' });
    } else if (event.type === 'test:summary' && event.data.file !== undefined) {
      const { counts, duration_ms, file, success } = event.data;
      silent.delete(file);
      total.passed += counts.passed;
      total.failed += counts.tests - counts.passed - counts.skipped - counts.todo;
      const time = `${(duration_ms / 1000).toFixed(1)} s`;
      console.log(`${success ? 'ok  ' : 'FAIL'} ${short(file)}  ${counts.passed} of ${counts.tests}, ${time}`);
      if (!success && counts.failed === 0 && counts.cancelled === 0) total.failed += 1;
    }
  }
  clearInterval(look);
  // A file that could not be loaded, or whose process died, has no summary; nor has one that never began.
  total.failed += silent.size;
  for (const file of silent) {
    console.log(`FAIL ${short(file)}  did not get to its end`);
    if (!hang.signal.aborted && !failures.has(short(file)))
      addFailure(short(file), { name: 'the file', text: 'did not get to its end', byOthers: false });
  }
}

function addFailure(file: string, failure: Failure): void {
  failures.set(file, [...(failures.get(file) ?? []), failure]);
}

function short(file: string | undefined): string {
  return (file ?? '').replace(`${root}/`, '');
}
