import { z } from 'zod';
import { Secret } from '../core/secret.ts';
import type { SchemaContext } from './context.ts';
import { ok } from './parsed.ts';
import { configSchema } from './schema.ts';

/** The part of JSON Schema (draft 2020-12) that our schema makes use of. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: { readonly [key: string]: JsonSchema };
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | false;
  readonly propertyNames?: JsonSchema;
  /** `#/$defs/name`. */
  readonly $ref?: string;
  readonly $defs?: { readonly [name: string]: JsonSchema };
  readonly minimum?: number;
  readonly maximum?: number;
  /** Our own marks; they are not published. */
  readonly 'x-type'?: string;
  readonly 'x-examples'?: readonly unknown[];
  readonly 'x-example'?: string;
}

/** A context for looking at the schema only: no file and no environment is touched. */
export const emptyContext: SchemaContext = { path: ok, secret: () => ok(new Secret('')) };

/** The schema of what people write (before defaults and conversion), our own marks included. */
export function inputSchema(): JsonSchema {
  return z.toJSONSchema(configSchema(emptyContext), { io: 'input' }) as JsonSchema;
}

/** Every schema that may hold for the value at this path. */
export function schemasAt(root: JsonSchema, path: readonly (string | number)[]): readonly JsonSchema[] {
  const all = (schema: JsonSchema | undefined): readonly JsonSchema[] =>
    alternatives(schema).flatMap((one) => (one.$ref === undefined ? [one] : all(definition(root, one.$ref))));
  let here = all(root);
  for (const part of path) here = here.flatMap((schema) => all(child(schema, part)));
  return here;
}

/** What a `$ref` of this schema stands for. */
export const definition = (root: JsonSchema, ref: string): JsonSchema | undefined =>
  root.$defs?.[ref.slice('#/$defs/'.length)];

function child(schema: JsonSchema, part: string | number): JsonSchema | undefined {
  if (typeof part === 'number') return schema.items;
  return schema.properties?.[part] ?? (schema.additionalProperties === false ? undefined : schema.additionalProperties);
}

const alternatives = (schema: JsonSchema | undefined): readonly JsonSchema[] =>
  schema === undefined ? [] : (schema.anyOf?.flatMap(alternatives) ?? [schema]);

/** What may stand there, in a few words of Markdown: `duration, 1s to 1h`, `list of: host name`. */
export function typeText(schema: JsonSchema): string {
  if (schema['x-type'] !== undefined) return schema['x-type'];
  if (schema.$ref !== undefined) return `mapping of ${schema.$ref.slice('#/$defs/'.length)}`;
  if (schema.anyOf) return schema.anyOf.map(typeText).join(', or ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const).replaceAll('"', '')}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.type === 'array')
    return schema.items?.properties ? 'list of mappings' : `list of: ${typeText(schema.items ?? {})}`;
  if (schema.type === 'object') return 'mapping';
  if (schema.type === 'boolean') return '`true` or `false`';
  if (schema.type === 'integer') return `whole number, ${schema.minimum ?? 0} to ${schema.maximum ?? '…'}`;
  return 'text';
}
