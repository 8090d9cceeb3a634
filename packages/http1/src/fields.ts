/**
 * Header fields as they travel: name and value alternating, in order, spelled as
 * received. Nothing is copied into objects, and duplicates stay visible.
 *
 * @module
 */
export type Fields = readonly string[];

/** The values of every field with this name, in order. `lowerName` is given in lower case. */
export function fieldValues(fields: Fields, lowerName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) values.push(fields[i + 1] as string);
  }
  return values;
}

/**
 * The value of a field that may occur once. `undefined` when it is absent,
 * `'ambiguous'` when it occurs more than once: what to do then is the caller's choice, never "the last one wins".
 */
export function singleField(fields: Fields, lowerName: string): { readonly value: string } | 'ambiguous' | undefined {
  const values = fieldValues(fields, lowerName);
  if (values.length > 1) return 'ambiguous';
  const value = values[0];
  return value === undefined ? undefined : { value };
}
