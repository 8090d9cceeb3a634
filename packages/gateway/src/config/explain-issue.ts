import type { z } from 'zod';
import { closest } from './closest.ts';
import { type JsonSchema, schemasAt, typeText } from './json-schema.ts';
import type { Finding, Path } from './problem.ts';

type Issue = z.core.$ZodIssue;

/** What the words for an issue depend on: the schema, and the data as it was written. */
export interface Reading {
  readonly schema: JsonSchema;
  readonly data: unknown;
}

/** A schema issue in words for an administrator. No value that might be a secret is quoted. */
export function explainIssue(issue: Issue, reading: Reading, base: Path = []): Finding[] {
  const path = [...base, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  const error = (message: string, fix: string): Finding[] => [{ severity: 'error', path, message, fix }];
  switch (issue.code) {
    case 'custom': {
      const fix: unknown = issue.params?.['fix'];
      return error(issue.message, typeof fix === 'string' ? fix : '');
    }
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], path, key, reading));
    case 'invalid_union': {
      const chosen = issue.errors.filter((branch) => !branch.some(isOfAnotherType));
      const branch = chosen.length === 1 ? chosen[0] : undefined;
      if (branch) return branch.flatMap((inner) => explainIssue(inner, reading, path));
      return error(...wrongType(path, reading));
    }
    case 'invalid_type':
    case 'invalid_value':
      return error(...wrongType(path, reading));
    case 'invalid_key':
      // The key itself is wrong (a realm, a SID): its own parser has said why.
      return issue.issues
        .flatMap((inner) => explainIssue({ ...inner, path: [] }, reading, path))
        .map((finding) => ({ ...finding, atKey: true }));
    case 'too_small':
      return typeof valueAt(reading.data, path) === 'number'
        ? error(...wrongType(path, reading))
        : error('it is empty', fixForEmpty(path, reading));
    // The rest do not occur in our schemas, but must not go unseen when one does.
    case 'too_big':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_element':
      return error(...wrongType(path, reading));
  }
}

/** This branch of a union was written for another kind of value altogether. */
const isOfAnotherType = (issue: Issue): boolean =>
  issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');

function unknownKey(path: Path, parent: Path, key: string, { schema }: Reading): Finding {
  const known = schemasAt(schema, parent).flatMap((one) => Object.keys(one.properties ?? {}));
  const guess = closest(key, known);
  const fix =
    guess === undefined ? `Remove it. Known here: ${[...new Set(known)].join(', ')}.` : `Did you mean ${guess}?`;
  return { severity: 'error', path, atKey: true, message: 'this key is unknown', fix };
}

function wrongType(path: Path, { schema, data }: Reading): [message: string, fix: string] {
  const candidates = schemasAt(schema, path);
  const expected = [...new Set(candidates.map(expectedText))].join(', or ') || 'something else';
  const value = valueAt(data, path);
  const line = exampleLine(path, candidates);
  if (value === undefined)
    return ['it is missing', line === undefined ? `Add it: ${expected}.` : `Add it, for example ${line}`];
  const fix = line === undefined ? `Write ${expected}.` : `Write it like ${line}`;
  if (value === null) return ['it has no value', fix];
  const range = candidates.find((one) => one.type === 'integer');
  if (typeof value === 'number' && range) return [`${value} is not ${expectedText(range)}`, fix];
  if (typeof value === 'string' && candidates.some((one) => one.type === 'boolean'))
    return [`text stands where this is expected: ${expected}`, `Write ${expected}, without quotation marks.`];
  return [`${kindOf(value)} stands where this is expected: ${expected}`, fix];
}

/** What may stand there, in a sentence to somebody at a terminal. */
function expectedText(schema: JsonSchema): string {
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  if (schema.type === 'integer') return `a ${typeText(schema)}`;
  if (schema.properties) return `a mapping with ${Object.keys(schema.properties).join(', ')}`;
  if (schema.items?.properties) return 'a list, each entry a line that begins with "- "';
  if (schema.type === 'array') return `a ${typeText(schema)}`;
  return typeText(schema).replaceAll('`', '');
}

/** `key: value` as it may be written, when the schema has an example for it. */
function exampleLine(path: Path, candidates: readonly JsonSchema[]): string | undefined {
  const example =
    exampleOf(candidates) ?? listOf(exampleOf(candidates.flatMap((one) => (one.items ? [one.items] : []))));
  const key = path.at(-1);
  return typeof key === 'string' && example !== undefined ? `${key}: ${example}` : example;
}

const listOf = (example: string | undefined): string | undefined =>
  example === undefined ? undefined : `[${example}]`;

function fixForEmpty(path: Path, { schema }: Reading): string {
  const line = exampleLine(path, schemasAt(schema, path));
  return line === undefined ? 'Write at least one entry.' : `Write at least one entry, for example ${line}`;
}

function exampleOf(schemas: readonly JsonSchema[]): string | undefined {
  const example = schemas.flatMap((one) => one['x-examples'] ?? [])[0];
  if (example === undefined) return undefined;
  // JSON is YAML; only text that would mean something else needs its quotation marks.
  return typeof example !== 'string' || /^[*&!%@`]|[{}[\],#]|: /.test(example) ? JSON.stringify(example) : example;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

/** The value at a path of plain data. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}
