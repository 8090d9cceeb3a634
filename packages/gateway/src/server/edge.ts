/**
 * What the gateway itself says to browsers about an app: security headers, and which other sites' pages may read its
 * responses (CORS). Prepared once for each app; an app without such keys has none of this, and pays nothing for it.
 *
 * @module
 */
import type { Fields } from '../wire/fields.ts';
import { type Cors, corsOf, type CorsOptions } from './cors.ts';

/** What becomes of a response's fields. `status` is that of the response, interim ones included. */
export type ResponseFilter = (this: void, fields: Fields, status: number) => Fields;

export interface ResponseHeaderOptions {
  readonly security: 'off' | 'missing' | 'always';
  readonly set: Readonly<Record<string, string>>;
  /** `false`: not even the one of `security`. */
  readonly add: Readonly<Record<string, string | false>>;
  readonly remove: readonly string[];
}

export interface EdgeOptions {
  readonly headers: ResponseHeaderOptions | undefined;
  readonly cors: CorsOptions | undefined;
}

/** An app's own edge. */
export interface Edge {
  readonly cors: Cors | undefined;
  /** What of the app's fields goes on, behind `before`: the same function for the same arguments. */
  filter(proto: Proto, before: ResponseFilter | undefined): ResponseFilter;
  /** What one of our own answers gets: fields that it does not have. */
  ownFields(proto: Proto, fields: Fields): Fields;
}

type Proto = 'http' | 'https';

/** With `security`. No page that works without them stops working: nothing is said about scripts. */
export const securityFields: Readonly<Record<string, string>> = {
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'strict-origin-when-cross-origin',
  'X-Frame-Options': 'SAMEORIGIN',
  'Content-Security-Policy': "frame-ancestors 'self'",
  'Permissions-Policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
};

/** Makes the edge of an app; `undefined` where nothing is said about it. */
export function edgeOf({ headers, cors: corsOptions }: EdgeOptions): Edge | undefined {
  if (headers === undefined && corsOptions === undefined) return undefined;
  const cors = corsOptions && corsOf(corsOptions);
  const plans = { http: planOf(headers, cors, 'http'), https: planOf(headers, cors, 'https') };
  const filters = new Map<ResponseFilter | undefined, Record<Proto, ResponseFilter>>();
  return {
    cors,
    filter(proto, before) {
      let made = filters.get(before);
      if (made === undefined) {
        made = { http: filterOf(plans.http, before), https: filterOf(plans.https, before) };
        filters.set(before, made);
      }
      return made[proto];
    },
    ownFields(proto, fields) {
      const { set, add } = plans[proto];
      return withMissing(fields, [...set, ...add]);
    },
  };
}

/** What becomes of an app's fields, over one scheme. Names in `gone` and keys of lists are in lower case. */
interface Plan {
  readonly gone: ReadonlySet<string>;
  readonly goneStarts: string | undefined;
  /** In the place of the app's. */
  readonly set: readonly Field[];
  /** Where the app sends none. */
  readonly add: readonly Field[];
  readonly varies: boolean;
}

interface Field {
  readonly key: string;
  readonly name: string;
  readonly value: string;
}

function planOf(headers: ResponseHeaderOptions | undefined, cors: Cors | undefined, proto: Proto): Plan {
  const { security, set = {}, add = {}, remove = [] } = headers ?? { security: 'off' };
  const written = new Set([...Object.keys(set), ...Object.keys(add), ...remove].map((name) => name.toLowerCase()));
  // RFC 6797, 7.2: not over plain HTTP.
  const sent = ({ key }: Field): boolean => proto === 'https' || key !== 'strict-transport-security';
  const usual = security === 'off' ? [] : fieldsOf(securityFields).filter(({ key }) => !written.has(key));
  const always = [...fieldsOf(set), ...(security === 'always' ? usual : [])];
  const missing = [...fieldsOf(add), ...(security === 'missing' ? usual : [])];
  return {
    gone: new Set([...remove.map((name) => name.toLowerCase()), ...always.map(({ key }) => key)]),
    goneStarts: cors === undefined ? undefined : 'access-control-',
    set: always.filter(sent),
    add: missing.filter(sent),
    varies: cors?.varies === true,
  };
}

const fieldsOf = (values: Readonly<Record<string, string | false>>): readonly Field[] =>
  Object.entries(values).flatMap(([name, value]) =>
    value === false ? [] : [{ key: name.toLowerCase(), name, value }],
  );

function filterOf(plan: Plan, before: ResponseFilter | undefined): ResponseFilter {
  const { gone, goneStarts, set, add, varies } = plan;
  return (received, status) => {
    const fields = before === undefined ? received : before(received, status);
    const kept: string[] = [];
    const present = new Set<string>();
    let isVaried = false;
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] as string;
      const value = fields[i + 1] as string;
      const key = name.toLowerCase();
      if (gone.has(key) || (goneStarts !== undefined && key.startsWith(goneStarts))) continue;
      present.add(key);
      isVaried ||= key === 'vary' && /(?:^|,)[\t ]*(?:\*|origin)[\t ]*(?:,|$)/i.test(value);
      kept.push(name, value);
    }
    // An interim answer and a 101 are no response that a browser would keep or show.
    if (status < 200) return kept;
    for (const { name, value } of set) kept.push(name, value);
    // A 304 says again what has changed of a stored response (RFC 9111, 3.2); what it leaves out the app has sent before.
    if (status !== 304) for (const { key, name, value } of add) if (!present.has(key)) kept.push(name, value);
    if (varies && !isVaried) kept.push('Vary', 'Origin');
    return kept;
  };
}

function withMissing(fields: Fields, wanted: readonly Field[]): Fields {
  const present = new Set<string>();
  for (let i = 0; i < fields.length; i += 2) present.add((fields[i] as string).toLowerCase());
  const missing = wanted.filter(({ key }) => !present.has(key));
  return missing.length === 0 ? fields : [...fields, ...missing.flatMap(({ name, value }) => [name, value])];
}
