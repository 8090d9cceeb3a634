/**
 * What a proxy asks by forward-auth, read into the request that it is about. Proxies differ in how they ask and in what
 * they make of the answer; which of these dialects one speaks is configured, never guessed from what a request brings.
 *
 * @module
 */
import type { FieldStripper } from './field-names.ts';
import type { Fields } from './fields.ts';
import type { Connection, RequestHead } from './http.ts';

/** The programs that ask, by the names in the configuration. */
export const dialectNames = ['nginx', 'caddy', 'traefik', 'haproxy', 'envoy'] as const;

export type DialectName = (typeof dialectNames)[number];

/** How one kind of proxy asks, and what it can do with the answer. */
export interface Dialect {
  readonly name: DialectName;
  /** Where the question has method, host and target: in these fields, or in its own line behind the endpoint's path. */
  readonly method: string | undefined;
  readonly host: string | undefined;
  readonly target: string | undefined;
  /** It tells 2xx, 401 and 403 apart, and passes on nothing but fields that its configuration names. */
  readonly statusOnly: boolean;
  /** The field of the answer by which it removes fields of the client; without one it cannot be told, and forged ones are refused. */
  readonly removal: string | undefined;
  /** It sends the app the target that the answer names. */
  readonly retargets: boolean;
  /** It would take a relative `Location` for one at Cardea's own address. */
  readonly absoluteLocation: boolean;
}

const byOriginal = { method: 'x-original-method', host: 'x-original-host', target: 'x-original-uri' } as const;
const byForwarded = { method: 'x-forwarded-method', host: 'x-forwarded-host', target: 'x-forwarded-uri' } as const;
const byLine = { method: undefined, host: undefined, target: undefined } as const;
const plain = { statusOnly: false, removal: undefined, retargets: false, absoluteLocation: false } as const;

/** Every dialect. */
export const dialects: Readonly<Record<DialectName, Dialect>> = {
  nginx: { name: 'nginx', ...byOriginal, ...plain, statusOnly: true, retargets: true },
  caddy: { name: 'caddy', ...byForwarded, ...plain },
  traefik: { name: 'traefik', ...byForwarded, ...plain, absoluteLocation: true },
  haproxy: { name: 'haproxy', ...byOriginal, ...plain, removal: 'X-Cardea-Remove', retargets: true },
  envoy: { name: 'envoy', ...byLine, ...plain, removal: 'X-Envoy-Auth-Headers-To-Remove' },
};

export type QuestionRefusal =
  | 'forward-auth-method-missing'
  | 'forward-auth-host-missing'
  | 'forward-auth-target-missing'
  | 'forward-auth-proto-missing'
  | 'forward-auth-address-missing'
  | 'forward-auth-field-repeated'
  | 'forward-auth-forged-field';

export type Question =
  | { readonly kind: 'ok'; readonly original: RequestHead }
  | { readonly kind: 'refused'; readonly reason: QuestionRefusal };

/**
 * The request that a question is about. The proxy's word counts for method, host, target and scheme, each of which must be
 * there once, and for the client's address; all else is as the client has sent it. `path` is the endpoint's own. `forged` finds fields that
 * no client may send: with a dialect that cannot be told to remove them they are refused.
 */
export function originalRequest(head: RequestHead, dialect: Dialect, path: string, forged: FieldStripper): Question {
  const told = new Map<string, string>();
  const rest: string[] = [];
  const { fields } = head;
  let hasAddress = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    const lower = name.toLowerCase();
    if (lower === dialect.method || lower === dialect.host || lower === dialect.target || ONCE.has(lower)) {
      if (told.has(lower)) return refused('forward-auth-field-repeated');
      told.set(lower, value);
      // The scheme is read like that of any request.
      if (lower === 'x-forwarded-proto') rest.push(name, value);
      continue;
    }
    if (OF_THE_QUESTION.has(lower)) continue;
    if (lower === 'x-forwarded-for') hasAddress = true;
    rest.push(name, value);
  }
  const method = dialect.method === undefined ? head.method : told.get(dialect.method);
  if (method === undefined) return refused('forward-auth-method-missing');
  const host = told.get(dialect.host ?? 'host');
  if (host === undefined) return refused('forward-auth-host-missing');
  const target = dialect.target === undefined ? head.target.slice(path.length) : told.get(dialect.target);
  if (target === undefined || target === '') return refused('forward-auth-target-missing');
  if (!told.has('x-forwarded-proto')) return refused('forward-auth-proto-missing');
  if (!hasAddress) return refused('forward-auth-address-missing');
  if (dialect.removal === undefined && forged(rest).removed.length > 0) return refused('forward-auth-forged-field');

  // Proxies keep `Upgrade` to themselves; the rest of a handshake they pass on. What is not a whole one is then refused.
  const upgrade = handshakeOf(told, rest);
  const own = upgrade === undefined ? ['Host', host] : ['Host', host, 'Connection', 'Upgrade', 'Upgrade', upgrade];
  const original: RequestHead = {
    method,
    target,
    fields: [...own, ...rest],
    connection: connectionOf(head.connection),
    upgrade: upgrade === 'websocket' && method === 'GET',
  };
  return { kind: 'ok', original };
}

/** Fields that may be there once, and are not the client's. */
const ONCE: ReadonlySet<string> = new Set(['host', 'x-forwarded-proto', 'x-original-upgrade']);

/** Fields that belong to the question itself: its way to us and its framing, not those of the request it is about. */
const OF_THE_QUESTION: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What the client has asked to change to, as far as it concerns us: a WebSocket. */
function handshakeOf(told: ReadonlyMap<string, string>, rest: Fields): 'websocket' | undefined {
  const asked = told.get('x-original-upgrade');
  if (asked?.toLowerCase().includes('websocket') === true) return 'websocket';
  for (let i = 0; i < rest.length; i += 2) if (OF_A_HANDSHAKE.test(rest[i] as string)) return 'websocket';
  return undefined;
}

/** Over HTTP/2 a browser sends no key (RFC 8441, 5): what the proxy then asks about is refused, and never judged as a page. */
const OF_A_HANDSHAKE = /^sec-websocket-(?:key|version)$/i;

/** Keeps nothing: the proxy's connections carry the questions of many people, one after the other. */
class Forgetful extends Map<string, unknown> {
  override set(): this {
    return this;
  }
}

const forgetful = new Forgetful();

/** The proxy's certificate and the way that it has come to us say nothing about its client. */
const connectionOf = ({ remoteAddress, tls }: Connection): Connection => ({
  remoteAddress,
  tls,
  certificateHash: undefined,
  memory: forgetful,
});

const refused = (reason: QuestionRefusal): Question => ({ kind: 'refused', reason });
