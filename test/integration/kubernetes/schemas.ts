/**
 * Whether an object is what Kubernetes' own schemas say of its kind. Stricter than they are in one thing: a field that they do not
 * have is a fault, as it is for `kubectl apply --validate=strict`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord, type Manifest } from './objects.ts';

type Schema = Readonly<Record<string, unknown>>;

const file: unknown = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/schemas.json'), 'utf8'));
const definitions = isRecord(file) && isRecord(file['definitions']) ? file['definitions'] : {};

function definition(name: string): Schema {
  const found = definitions[name];
  if (!isRecord(found)) throw new Error(`Cannot find the schema ${name}: add it to make-schemas.ts`);
  return found;
}

/** Everything that is wrong with an object, each with its path; empty when nothing is. */
export function faultsOf(object: Manifest): readonly string[] {
  const { apiVersion, kind } = object;
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
  const suffix = `.${(group ?? '').split('.')[0]}.${version}.${kind}`;
  const name = Object.keys(definitions).find((one) => one.endsWith(suffix));
  if (name === undefined) return [`${apiVersion} ${kind}: there is no schema for it`];
  return faults(object, { $ref: name }, kind);
}

function faults(value: unknown, schema: Schema, path: string): readonly string[] {
  const { $ref: ref, type, format } = schema;
  if (typeof ref === 'string') return faults(value, definition(ref), path);
  if (format === 'int-or-string')
    return typeof value === 'string' || Number.isInteger(value) ? [] : [`${path}: not a number, nor text`];
  if (type === 'object') return isRecord(value) ? inObject(value, schema, path) : [`${path}: not a mapping`];
  if (type === 'array') {
    if (!Array.isArray(value)) return [`${path}: not a list`];
    const { items } = schema;
    return value.flatMap((one, i) => faults(one, isRecord(items) ? items : {}, `${path}[${i}]`));
  }
  if (type === 'integer') return Number.isInteger(value) ? inBounds(value, schema, path) : [`${path}: not a number`];
  if (type === 'boolean') return typeof value === 'boolean' ? [] : [`${path}: neither true nor false`];
  if (type === 'string') return typeof value === 'string' ? inBounds(value, schema, path) : [`${path}: not text`];
  return [];
}

function inObject(value: Readonly<Record<string, unknown>>, schema: Schema, path: string): readonly string[] {
  const { properties, additionalProperties: others, required } = schema;
  const missing = (Array.isArray(required) ? required : [])
    .filter((name) => value[String(name)] === undefined)
    .map((name) => `${path}.${String(name)}: missing`);
  const found = Object.entries(value).flatMap(([name, child]) => {
    const own = isRecord(properties) ? properties[name] : undefined;
    if (isRecord(own)) return faults(child, own, `${path}.${name}`);
    if (isRecord(others)) return faults(child, others, `${path}.${name}`);
    return isRecord(properties) ? [`${path}.${name}: unknown`] : [];
  });
  return [...missing, ...found];
}

function inBounds(value: unknown, schema: Schema, path: string): readonly string[] {
  const { enum: allowed, pattern, minimum, maximum, minLength, maxLength } = schema;
  const outside =
    (Array.isArray(allowed) && !allowed.includes(value)) ||
    (typeof pattern === 'string' && !new RegExp(pattern).test(String(value))) ||
    (typeof minimum === 'number' && Number(value) < minimum) ||
    (typeof maximum === 'number' && Number(value) > maximum) ||
    (typeof minLength === 'number' && String(value).length < minLength) ||
    (typeof maxLength === 'number' && String(value).length > maxLength);
  return outside ? [`${path}: not one of the values that it may have`] : [];
}
