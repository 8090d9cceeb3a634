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
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { paths } from '../lab/files.ts';
import { stopLab } from '../lab/lab.ts';
import { available } from '../lab/packages.ts';
import { isRunning } from '../lab/processes.ts';
import { failureReport } from './failure-report.ts';
import type { FileResult } from './test-record.ts';
import { runFiles } from './test-run.ts';

interface Stage {
  readonly name: string;
  readonly files: string;
  /** How many run at the same time. Suites that share the one lab take turns. */
  readonly processes: number;
  /** The files that share no process with others. */
  readonly alone: RegExp;
  readonly timeoutMs: number;
}

const stages: readonly Stage[] = [
  {
    name: 'unit',
    files: '{packages/*/src,tools,lab,bench}/**/*.test.ts',
    // Some only wait, so that two cores have time for three.
    processes: 3,
    // These count the sockets of their process.
    alone: /^packages\/http1\/src\/(engine|upstream)-connections?\.test\.ts$/,
    timeoutMs: 60_000,
  },
  {
    name: 'integration',
    files: '{packages/*/test,test/integration}/**/*.test.ts',
    processes: 2,
    alone: /^/,
    timeoutMs: 300_000,
  },
  { name: 'lab', files: 'test/lab/**/*.test.ts', processes: 1, alone: /^/, timeoutMs: 300_000 },
];

const root = join(fileURLToPath(import.meta.url), '../..');
// Many processes read the same modules. What Node has made of one it keeps here, by the module's content; the gateways
// that tests start find it too.
process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules/.cache/cardea-tests');
const word = process.argv[2];
const total = { passed: 0, failed: 0 };
const skipped: string[] = [];
let labSkipped = false;
/** What is to be said at the end about the files in which something failed. */
const reports: string[] = [];
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
  const isAlone = (file: string): boolean => stage.alone.test(short(file));
  await runFiles(files, { ...stage, isAlone }, tell);
  if (!leave) await stopLab();
}

if (skipped.length > 0) console.log(`\nSkipped:\n${skipped.map((line) => `  - ${line}`).join('\n')}`);
for (const report of reports) console.log(`\n${report}`);
console.log(`\n${((performance.now() - started) / 1000).toFixed(1)} s`);
console.log(`${total.passed} passed, ${total.failed} failed, ${skipped.length} skipped`);
const labMissing = process.env['CARDEA_REQUIRE_LAB'] === '1' && labSkipped;
if (labMissing) console.log('CARDEA_REQUIRE_LAB=1: a skipped lab suite fails this run.');
process.exitCode = total.failed > 0 || total.passed === 0 || labMissing ? 1 : 0;

/** Prints one line about a file, and below it what failed. A log that was cut has it there or at the end. */
function tell({ file, passed, tests, failed, failures, milliseconds, ...result }: FileResult): void {
  total.passed += passed;
  total.failed += failed;
  skipped.push(...result.skipped.map((line) => `${short(file)}: ${line}`));
  labSkipped ||= result.skipped.length > 0 && short(file).startsWith('test/lab/');
  const line = `${short(file)}  ${passed} of ${tests}, ${(milliseconds / 1000).toFixed(1)} s`;
  if (failed === 0) {
    console.log(`ok   ${line}`);
    return;
  }
  const report = failureReport(line, failures, result.printed);
  reports.push(report);
  console.log(report);
}

function short(file: string): string {
  return relative(root, file);
}
