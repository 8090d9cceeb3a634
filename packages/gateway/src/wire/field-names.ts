/**
 * Field names as the careless server reads them. CGI, WSGI and their heirs turn a
 * name into a variable, and `X_Authenticated.User` arrives there as
 * `X-Authenticated-User`. So names that stand for a person are compared by a key
 * that folds all of that.
 *
 * @module
 */
import { foldFieldName } from '@cardea/http1';
import type { Fields } from './fields.ts';

export { foldFieldName };

/**
 * Names by which proxies tell applications who is there. No client may set them on any app, whether or not the app is
 * configured to get them from us. A `*` at the end stands for any ending.
 */
export const identityFieldNames: readonly string[] = [
  'x-authenticated-*',
  'x-cardea-*',
  'x-auth-request-*',
  'x-forwarded-user',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'x-forwarded-access-token',
  'x-forwarded-client-cert*',
  'remote-user',
  'remote-groups',
  'remote-name',
  'remote-email',
  'x-remote-*',
  'x-webauth-*',
  'x-iis-windowsauthtoken',
  'ms-aspnetcore-*',
  'x-ms-client-principal*',
  'x-ms-token-aad-*',
  'x-client-cert*',
  'x-ssl-client-*',
  'ssl-client-*',
  'x-goog-authenticated-user-*',
  'x-goog-iap-jwt-assertion',
  'x-amzn-oidc-*',
  'x-pomerium-*',
  'cf-access-*',
  'tailscale-user-*',
];

/**
 * Names by which some frameworks let a client replace the path, host or method after the gateway has judged it:
 * `POST` with `X-HTTP-Method-Override: DELETE` would pass a rule for `POST`.
 */
export const overrideFieldNames: readonly string[] = [
  'x-original-url',
  'x-original-uri',
  'x-original-host',
  'x-original-method',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
];

export type FieldStripper = (fields: Fields) => {
  readonly fields: Fields;
  /** The names that were removed, as the client spelled them. */
  readonly removed: readonly string[];
};

/**
 * Makes the function that removes every field with one of these names, in whatever spelling and however often. A name
 * may end in `*`. The other fields keep their order and spelling.
 */
export function identityFieldStripper(names: readonly string[]): FieldStripper {
  const exact = new Set<string>();
  const prefixes = new Set<string>();
  for (const name of names) {
    if (name.endsWith('*')) prefixes.add(foldFieldName(name.slice(0, -1)));
    else exact.add(foldFieldName(name));
  }
  const starts = [...prefixes];
  const isProtected = (name: string): boolean => {
    const folded = foldFieldName(name);
    return exact.has(folded) || starts.some((start) => folded.startsWith(start));
  };

  return (fields) => {
    let kept: string[] | undefined;
    const removed: string[] = [];
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] ?? '';
      if (isProtected(name)) {
        kept ??= fields.slice(0, i);
        removed.push(name);
      } else kept?.push(name, fields[i + 1] ?? '');
    }
    return { fields: kept ?? fields, removed };
  };
}
