/**
 * Makes `@cardea/client` as it is published: JavaScript and types by tsc, for Node 20 and newer. Node strips no types
 * below node_modules, so the sources that the workspace uses will not do there.
 *
 *     node tools/build-client.ts [folder]     then: npm publish FOLDER
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '../..');
const source = join(root, 'packages/client');

/** Builds into this folder, which is made anew; throws with what tsc says. */
export function buildClient(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const args = ['-p', join(source, 'tsconfig.publish.json'), '--outDir', join(folder, 'dist')];
  const { status, stdout, stderr, error } = spawnSync(join(root, 'node_modules/.bin/tsc'), args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Cannot build the client: ${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
  const { private: _private, ...manifest } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const entry = (name: string): object => ({ types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` });
  const published = { ...manifest, exports: { '.': entry('index'), './node': entry('node') }, files: ['dist'] };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`);
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  copyFileSync(join(source, 'README.md'), join(folder, 'README.md'));
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(root, '.cardea/client'));
  buildClient(folder);
  console.log(folder);
}
