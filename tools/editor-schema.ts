import type { JsonSchema } from '../packages/gateway/src/config/json-schema.ts';

/**
 * The schema for editors: without the marks that only our own tools read, with examples, and with references to
 * secrets where secrets may stand.
 */
export function editorSchema(schema: JsonSchema): unknown {
  return { title: 'Cardea configuration', ...published(schema) };
}

function published(schema: JsonSchema): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'x-examples') result['examples'] = value;
    else if (key === 'properties') result[key] = mapValues(schema.properties ?? {});
    else if (key === '$defs') result[key] = mapValues(schema.$defs ?? {});
    else if (key === 'anyOf') result[key] = schema.anyOf?.map(published);
    else if (isSubschema(key, value)) result[key] = published(value);
    else if (!key.startsWith('x-')) result[key] = value;
  }
  return result;
}

const isSubschema = (key: string, value: unknown): value is JsonSchema =>
  ['items', 'additionalProperties', 'propertyNames'].includes(key) && typeof value === 'object';

const mapValues = (properties: { readonly [key: string]: JsonSchema }): Record<string, unknown> =>
  Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, published(value)]));
