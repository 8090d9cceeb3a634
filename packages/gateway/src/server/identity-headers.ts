import type { Identity } from '../core/identity.ts';
import type { Fields } from '../wire/fields.ts';
import { encodeList, encodeValue } from '../wire/identity-fields.ts';
import type { App } from './apps.ts';

/**
 * The fields that tell one app who is there, ready to be appended. A value that is not known is
 * left out, never sent empty, except groups and roles: an empty list says "none", and an absent one could be taken for "unknown".
 */
export function identityHeaders(app: App, identity: Identity, roles: readonly string[], assertion: string): Fields {
  const { headers, headerEncoding } = app;
  const fields: string[] = [];
  const single = (name: string | undefined, value: string | undefined): void => {
    if (name !== undefined && value !== undefined) fields.push(name, encodeValue(value, headerEncoding));
  };
  const list = (name: string | undefined, values: readonly string[]): void => {
    if (name !== undefined) fields.push(name, encodeList(values, headerEncoding));
  };
  single(headers.user, identity.account);
  single(headers.upn, identity.upn);
  single(headers.email, identity.email);
  single(headers.name, identity.name);
  list(headers.groups, identity.groups);
  list(headers.roles, roles);
  if (headers.assertion !== undefined) fields.push(headers.assertion, assertion);
  return fields;
}
