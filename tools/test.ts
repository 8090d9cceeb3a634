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
const word = process.argv[2];
const total = { passed: 0, failed: 0 };
const skipped: string[] = [];
let labSkipped = false;
const failures: string[] = [];
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

for (const failure of failures) console.log(`\n${failure}`);
// Hooks that fail are no tests, and are in no count.
if (total.failed === 0) total.failed = failures.length;
if (skipped.length > 0) console.log(`\nSkipped:\n${skipped.map((line) => `  - ${line}`).join('\n')}`);
console.log(`\n${((performance.now() - started) / 1000).toFixed(1)} s`);
console.log(`${total.passed} passed, ${total.failed} failed, ${skipped.length} skipped`);
const labMissing = process.env['CARDEA_REQUIRE_LAB'] === '1' && labSkipped;
if (labMissing) console.log('CARDEA_REQUIRE_LAB=1: a skipped lab suite fails this run.');
process.exitCode = total.failed > 0 || total.passed === 0 || labMissing ? 1 : 0;

/** Runs the files, each in a process of its own, and prints one line per file as it ends. */
async function runStage(stage: Stage, files: readonly string[]): Promise<void> {
  const output = new Map<string, string>();
  const silent = new Set(files);
  const events = run({
    files: [...files],
    concurrency: stage.concurrency,
    timeout: stage.timeoutMs,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  for await (const event of events) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr') {
      const { file, message } = event.data;
      output.set(file ?? '', ((output.get(file ?? '') ?? '') + message).slice(-4000));
    } else if (event.type === 'test:pass') {
      const { skip, file, name } = event.data;
      if (skip === undefined || skip === false) continue;
      skipped.push(`${short(file)}: ${name}${typeof skip === 'string' && skip !== '' ? `: ${skip}` : ''}`);
      labSkipped ||= short(file).startsWith('test/lab/');
    } else if (event.type === 'test:fail') {
      const cause = event.data.details.error.cause;
      const text =
        cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? event.data.details.error.message);
      failures.push(
        `FAIL ${short(event.data.file)}: ${event.data.name}\n${text}\n${output.get(event.data.file ?? '') ?? ''}`,
      );
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
  // A file that could not be loaded, or whose process died, has no summary.
  total.failed += silent.size;
  for (const file of silent) console.log(`FAIL ${short(file)}  did not get to its end`);
}

function short(file: string | undefined): string {
  return (file ?? '').replace(`${root}/`, '');
}
