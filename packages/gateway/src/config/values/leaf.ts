import { z } from 'zod';
import type { Parsed } from '../parsed.ts';
import { type Address, parseAddress } from './address.ts';
import { parseClientNetwork, parseNetwork } from './cidr.ts';
import { type Bounds, parseDuration } from './duration.ts';
import { parseHeaderName } from './header-name.ts';
import { parseHost } from './host.ts';
import { parseDomain, parseRealm, parseService } from './kerberos.ts';
import { parsePattern, parsePrefix, parseUrlPath } from './path.ts';
import { parseGroup, parseSid } from './sid.ts';
import { parseSize, type SizeBounds } from './size.ts';
import { parseAppAddress, parseLdapUrl, parseOrigin } from './url.ts';

/** A value that is written as text and read by a parser of ours: what zod knows of one. */
export type Leaf<T> = z.ZodPipe<z.ZodString, z.ZodTransform<T, string>>;

/** Joins a parser to the schema. `type` is what the reference and messages call it; `example` is always a right value. */
export function leaf<T>(type: string, example: string, parse: (text: string) => Parsed<T>): Leaf<T> {
  return z
    .string()
    .transform((text, context): T => {
      const parsed = parse(text);
      if (parsed.kind === 'ok') return parsed.value;
      refuse(context, parsed.message, parsed.fix);
      return z.NEVER;
    })
    .meta({ 'x-type': type, 'x-examples': [example] });
}

/** Adds a problem with its remedy; `path` leads from the value in hand to the one that is wrong. */
export function refuse(
  context: { readonly issues: z.core.$ZodRawIssue[] },
  message: string,
  fix: string,
  path: readonly (string | number)[] = [],
): void {
  context.issues.push({ code: 'custom', message, input: undefined, path: [...path], params: { fix } });
}

export const duration = (min: string, max: string, example: string): Leaf<number> => {
  const bounds: Bounds = { min, max };
  return leaf(`duration, ${min} to ${max}`, example, (text) => parseDuration(text, bounds));
};

export const size = (min: string, max: string, example: string): Leaf<number> => {
  const bounds: SizeBounds = { min, max };
  return leaf(`size, ${min} to ${max}`, example, (text) => parseSize(text, bounds));
};

export const address = (): Leaf<Address> => leaf('address and port', '127.0.0.1:8080', parseAddress);
export const network = (): Leaf<string> => leaf('network', '10.0.0.0/8', parseNetwork);
export const clientNetwork = (): Leaf<string> => leaf('network', '10.0.0.0/8', parseClientNetwork);
export const host = (): Leaf<string> => leaf('host name', 'desk.corp.example', parseHost);
export const headerName = (): Leaf<string> => leaf('header name', 'X-Remote-User', parseHeaderName);
export const service = (): Leaf<string> => leaf('service principal', 'HTTP/desk.corp.example', parseService);
export const realm = (): Leaf<string> => leaf('realm', 'CORP.EXAMPLE', parseRealm);
export const domain = (): Leaf<string> => leaf('domain', 'CORP', parseDomain);
export const urlPath = (): Leaf<string> => leaf('URL path', '/unauthorized', parseUrlPath);
export const prefix = (): Leaf<string> => leaf('URL path', '/auth', parsePrefix);
export const pattern = (): Leaf<string> => leaf('path pattern', '/risk/**', parsePattern);
export const sid = (): Leaf<string> => leaf('SID', 'S-1-5-21-1-2-3-1104', parseSid);
export const group = (): Leaf<string> => leaf('group name or SID', 'risk-team', parseGroup);
export const appAddress = (): Leaf<string> => leaf('URL or unix:/path', 'http://127.0.0.1:3000', parseAppAddress);
export const ldapUrl = (): Leaf<string> => leaf('ldap URL', 'ldaps://dc1.corp.example', parseLdapUrl);

/** `example` shows the reader of a message which origin is meant here. */
export const origin = (example: string): Leaf<string> => leaf('URL', example, (text) => parseOrigin(text, example));
