import { type JsonSchema, schemasAt } from './json-schema.ts';
import type { Finding, Path } from './problem.ts';
import { isReference } from './secrets.ts';

/** References to secrets where none can stand: they would be taken literally. */
export function misplacedReferences(data: unknown, schema: () => JsonSchema): Finding[] {
  const found = references(data, []);
  if (found.length === 0) return [];
  const root = schema();
  return found
    .filter((path) => {
      const known = schemasAt(root, path);
      return known.length > 0 && !known.some((one) => one['x-type'] === 'secret');
    })
    .map((path) => ({
      severity: 'error',
      path,
      message: 'only secrets may be taken from a file or the environment',
      fix: 'Write the value itself.',
    }));
}

function references(value: unknown, path: Path): Path[] {
  if (typeof value === 'string') return isReference(value) ? [path] : [];
  if (typeof value !== 'object' || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, child]) => references(child, [...path, key]));
}
