/**
 * Imports go one way. A file of the gateway may import from its own folder and from
 * the layers below it, never from above or beside; packages import each other only as
 * the table says. Run by `npm run check`; prints each breach and fails.
 *
 * @module
 */
import { globSync, readFileSync } from 'node:fs';
import { join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Bottom first. A folder on the same line as another may not import it. */
export const layers: readonly (readonly string[])[] = [
  ['wire'],
  ['core'],
  ['policy', 'ports'],
  ['auth', 'tokens', 'limits', 'usage'],
  ['stores', 'directory', 'audit', 'windows', 'threads'],
  ['config'],
  ['server'],
  ['doctor'],
  ['admin', 'cli'],
  ['app'],
]; // main.ts lies above the folders and may import anything

/** Which workspace package, and which library from outside, a package may import. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  kerberos: ['node:crypto'],
  http1: ['node:crypto', 'node:events', 'node:net', 'node:tls'],
  client: ['node:child_process', 'node:crypto', 'node:fs', 'node:fs/promises', 'node:module', 'node:os', 'node:path'],
  gateway: ['@cardea/client', '@cardea/client/node', '@cardea/kerberos', '@cardea/http1'],
};

const rank = new Map(layers.flatMap((folders, i) => folders.map((folder) => [folder, i] as const)));
/** `import ... from 'x'`, `export ... from 'x'` (braces may span lines, strings may not stand between) and `import 'x'`. */
const statement =
  /^\s*(?:(?:import|export)\s+(?:type\s+)?(?:[\w*$]+(?:\s+as\s+[\w$]+)?\s*,?\s*)?(?:\{[^}'"]*\}\s*)?from|import)\s*['"]([^'"]+)['"]/gm;

/** Every breach in one file of `packages/gateway/src`; `path` is relative to that folder. */
export function layerProblems(path: string, source: string): string[] {
  const folder = path.includes(sep) ? (path.split(sep)[0] ?? '') : '';
  if (folder === '') return [];
  const own = rank.get(folder);
  if (own === undefined) return [`${path}: the folder "${folder}" is not in tools/check-layers.ts`];
  const problems: string[] = [];
  for (const [, specifier = ''] of source.matchAll(statement)) {
    if (!specifier.startsWith('.')) continue;
    const parts = normalize(join(path, '..', specifier)).split(sep);
    const target = parts.length > 1 ? (parts[0] ?? '') : '';
    if (target === folder || target === '..') continue;
    if ((rank.get(target) ?? Number.POSITIVE_INFINITY) >= own)
      problems.push(`${path} (${folder}) may not import ${specifier} (${target || 'the composition root'})`);
  }
  if (/\bimport\(/.test(source)) problems.push(`${path}: import() hides an import from this check`);
  return problems;
}

/** Every breach of the package table in one file; tests may import what they like. */
export function packageProblems(name: string, path: string, source: string): string[] {
  const allowed = packages[name];
  if (allowed === undefined) return [];
  const problems: string[] = [];
  for (const [, specifier = ''] of source.matchAll(statement)) {
    const closed = name !== 'gateway' || specifier.startsWith('@cardea/');
    if (!specifier.startsWith('.') && closed && !allowed.includes(specifier))
      problems.push(`packages/${name}/src/${path} may not import ${specifier}`);
  }
  return problems;
}

/** Checks the tree below `root`. */
export function checkLayers(root: string): string[] {
  const problems: string[] = [];
  for (const name of Object.keys(packages)) {
    const source = join(root, 'packages', name, 'src');
    for (const path of globSync('**/*.ts', { cwd: source })) {
      if (/(?:\.test|\.contract|testing)\.ts$/.test(path)) continue;
      const text = readFileSync(join(source, path), 'utf8');
      problems.push(...packageProblems(name, path, text));
      if (name === 'gateway') problems.push(...layerProblems(path, text));
    }
  }
  return problems;
}

if (import.meta.main) {
  const problems = checkLayers(join(fileURLToPath(import.meta.url), '../..'));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
