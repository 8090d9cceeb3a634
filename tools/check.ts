/**
 * `npm run check`: everything that can be said about the tree without running it.
 * All checks run, also after one has failed, so that one run shows everything.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '../..');
const bin = (name: string): string => join(root, 'node_modules/.bin', name);
const node = process.execPath;

const checks: readonly (readonly [name: string, program: string, ...args: string[]])[] = [
  ['types', bin('tsc'), '-p', '.'],
  ['lint', bin('oxlint'), '--type-aware', '--quiet', 'packages', 'tools', 'lab', 'bench', 'test'],
  ['format', bin('biome'), 'format', '.'],
  ['layers', node, 'tools/check-layers.ts'],
  ['docs', node, 'tools/check-docs.ts'],
  ['config reference', node, 'tools/generate-docs.ts', '--check'],
];

const failed: string[] = [];
for (const [name, program, ...args] of checks) {
  const started = performance.now();
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  const ok = result.status === 0;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (ok) continue;
  failed.push(name);
  console.log(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`);
}
console.log(failed.length === 0 ? 'All checks passed.' : `Failed: ${failed.join(', ')}.`);
process.exitCode = failed.length === 0 ? 0 : 1;
