import { foldFieldName } from './field-names.ts';
import type { Fields } from './fields.ts';

export type OwnField =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly value: string }
  /** More than once, or under a name that servers read as the same which turn names into variables (`X_API_Key`). */
  | { readonly kind: 'ambiguous' };

/** The field that is meant for the gateway and may occur once, under one name. `lowerName` is given in lower case, with hyphens. */
export function ownField(fields: Fields, lowerName: string): OwnField {
  let value: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name.length !== lowerName.length || foldFieldName(name) !== lowerName) continue;
    if (value !== undefined || name.toLowerCase() !== lowerName) return { kind: 'ambiguous' };
    value = fields[i + 1] as string;
  }
  return value === undefined ? none : { kind: 'one', value };
}

const none: OwnField = { kind: 'none' };
