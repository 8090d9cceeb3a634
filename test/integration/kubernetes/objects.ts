/**
 * The manifests of `examples/kubernetes` as a cluster gets them: what `kubectl kustomize` makes of a folder, for the part of
 * kustomize that these use. Where `kubectl` is installed, a test compares the two.
 *
 * @module
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

/** A Kubernetes object, read from YAML. */
export type Manifest = Readonly<Record<string, unknown>> & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
};

export type Labels = Readonly<Record<string, string>>;

/** Where the manifests lie. */
export const folder: string = join(import.meta.dirname, '../../../examples/kubernetes');

/** The folders that people apply. */
export const overlays = ['overlays/kubernetes', 'overlays/openshift', 'overlays/openshift-passthrough'] as const;

/** A mapping, and not a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a path of keys and positions; `undefined` when there is none. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const key of path) found = isRecord(found) || Array.isArray(found) ? Reflect.get(found, key) : undefined;
  return found;
}

/** The list at a path; empty when there is none. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The text at a path. Throws when there is none. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path);
  if (typeof found !== 'string') throw new TypeError(`Cannot find text at ${path.join('.')}`);
  return found;
}

/** Labels at a path; none when nothing is there. */
export function labelsAt(value: unknown, ...path: readonly (string | number)[]): Labels {
  const found = at(value, ...path);
  return isRecord(found) ? (found as Labels) : {};
}

/** All objects of one folder with a `kustomization.yaml`; for a component, with those that it is added `to`. */
export function rendered(path: string, to: readonly Manifest[] = []): readonly Manifest[] {
  return render(join(folder, path), to);
}

/** The one object of this kind and name. Throws when there is none. */
export function find(objects: readonly Manifest[], kind: string, name: string): Manifest {
  const found = objects.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`Cannot find ${kind} ${name}`);
  return found;
}

/** Keys of a kustomization that are understood here; another one is a mistake, there or here. */
const understood = ['apiVersion', 'kind', 'resources', 'components', 'patches', 'configMapGenerator', 'namespace'];

function render(path: string, from: readonly Manifest[]): readonly Manifest[] {
  const kustomization: unknown = parse(readFileSync(join(path, 'kustomization.yaml'), 'utf8'));
  if (!isRecord(kustomization)) throw new TypeError(`Cannot read ${path}/kustomization.yaml`);
  for (const key of Object.keys(kustomization))
    if (!understood.includes(key)) throw new TypeError(`Cannot render ${path}: ${key} is not understood`);
  let objects = [...from, ...listAt(kustomization, 'resources').flatMap((name) => read(join(path, String(name))))];
  for (const generator of listAt(kustomization, 'configMapGenerator')) objects = generated(objects, generator, path);
  for (const name of listAt(kustomization, 'components')) objects = [...render(join(path, String(name)), objects)];
  for (const patch of listAt(kustomization, 'patches')) objects = patched(objects, patch, path);
  return objects;
}

function read(path: string): readonly Manifest[] {
  if (statSync(path).isDirectory()) return render(path, []);
  return documents(path).map((value) => {
    if (!isRecord(value) || typeof value['kind'] !== 'string' || !isRecord(value['metadata']))
      throw new TypeError(`Cannot read ${path}: there is something else than objects in it`);
    return value as unknown as Manifest;
  });
}

/** The YAML documents of one file. Throws at the first thing that is not right. */
export function documents(path: string): readonly unknown[] {
  const found = parseAllDocuments(readFileSync(path, 'utf8'));
  return [...found].map((document) => {
    for (const problem of [...document.errors, ...document.warnings])
      throw new SyntaxError(`Cannot read ${path}: ${problem.message}`);
    return document.toJS() as unknown;
  });
}

/** Without the hash that kustomize puts behind the name. */
function generated(objects: readonly Manifest[], generator: unknown, path: string): Manifest[] {
  const name = textAt(generator, 'name');
  const namespace = textAt(generator, 'namespace');
  const data = Object.fromEntries(
    listAt(generator, 'files').map((file) => [basename(String(file)), readFileSync(join(path, String(file)), 'utf8')]),
  );
  const map: Manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
  const others = objects.filter((one) => one.kind !== 'ConfigMap' || one.metadata.name !== name);
  const replaces = at(generator, 'behavior') === 'replace';
  if (replaces !== others.length < objects.length) throw new Error(`Cannot make ${name}: behavior does not fit`);
  return [...others, map];
}

/** JSON patches (RFC 6902) with add, replace and remove, on whatever has the kind and name of the target. */
function patched(objects: readonly Manifest[], patch: unknown, path: string): Manifest[] {
  const kind = textAt(patch, 'target', 'kind');
  const name = textAt(patch, 'target', 'name');
  const target = find(objects, kind, name);
  const copy = structuredClone(target);
  const [steps] = documents(join(path, textAt(patch, 'path')));
  for (const step of Array.isArray(steps) ? steps : []) applyStep(copy, step);
  return objects.map((one) => (one === target ? copy : one));
}

function applyStep(target: unknown, step: unknown): void {
  const keys = textAt(step, 'path')
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop() ?? '';
  const parent = at(target, ...keys);
  const operation = textAt(step, 'op');
  const value = at(step, 'value');
  const there = parent !== undefined && at(parent, last) !== undefined;
  if (operation !== 'add' && !there) throw new Error(`Cannot ${operation} ${textAt(step, 'path')}: it is not there`);
  if (Array.isArray(parent)) {
    if (operation === 'remove') parent.splice(Number(last), 1);
    else if (operation === 'replace') parent[Number(last)] = value;
    else parent.splice(last === '-' ? parent.length : Number(last), 0, value);
  } else if (isRecord(parent)) {
    if (operation === 'remove') delete parent[last];
    else parent[last] = value;
  } else throw new Error(`Cannot ${operation} ${textAt(step, 'path')}: what it is in is not there`);
}
