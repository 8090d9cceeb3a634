import { canonicalAddress } from './cidr.ts';
import { type Fields, fieldValues } from './fields.ts';
import { trimBlanks } from './field-grammar.ts';

export type ClientAddress =
  | {
      readonly kind: 'ok';
      readonly address: string;
      /** What the client spoke to the first trusted proxy; `undefined` when no trusted proxy says so: then our own listener knows. */
      readonly proto: 'http' | 'https' | undefined;
    }
  | { readonly kind: 'refused'; readonly reason: ForwardedRefusal };

export type ForwardedRefusal =
  | 'peer-address-unreadable'
  | 'forwarded-address-unreadable'
  | 'forwarded-too-many-hops'
  | 'forwarded-proto-unreadable';

/** Fields by which proxies tell of the client. Ours replace them all; a client's own must never reach an app. */
export const forwardedFieldNames: readonly string[] = [
  'forwarded',
  'x-forwarded-*',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-originating-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
];

const MAX_HOPS = 64;

/**
 * Who the client is. A peer that is not trusted is the client itself, whatever its fields claim. Behind a trusted peer,
 * `X-Forwarded-For` is read from the right: each trusted proxy vouches for the entry before it, and the first entry
 * that is no trusted proxy is the client. Entries further left may say anything, and are not looked at; an entry that
 * is looked at and is no address refuses the request.
 *
 * `Forwarded` (RFC 7239) is never read: a proxy that writes the one kind passes a client's own of the other kind on.
 */
export function clientAddress(fields: Fields, peer: string, trusted: (address: string) => boolean): ClientAddress {
  let address = canonicalAddress(peer);
  if (address === undefined) return refused('peer-address-unreadable');
  if (!trusted(address)) return { kind: 'ok', address, proto: undefined };

  const hops = fieldValues(fields, 'x-forwarded-for').flatMap((value) => value.split(','));
  for (let i = hops.length - 1; i >= 0 && trusted(address); i--) {
    if (hops.length - i > MAX_HOPS) return refused('forwarded-too-many-hops');
    const before = readHop(trimBlanks(hops[i] ?? ''));
    if (before === undefined) return refused('forwarded-address-unreadable');
    address = before;
  }

  const proto = readProto(fieldValues(fields, 'x-forwarded-proto'));
  if (proto === 'unreadable') return refused('forwarded-proto-unreadable');
  return { kind: 'ok', address, proto };
}

/** Our own fields about the client, for the upstream. They go in after every other of these names has been removed. */
export function forwardedFields(client: {
  readonly address: string;
  readonly proto: 'http' | 'https';
  readonly host: string;
}): Fields {
  return ['X-Forwarded-For', client.address, 'X-Forwarded-Proto', client.proto, 'X-Forwarded-Host', client.host];
}

/** An address, or an address with a port, as IIS and Azure write it: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function readHop(text: string): string | undefined {
  const withPort = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?$/.exec(text);
  return canonicalAddress(withPort?.[1] ?? withPort?.[2] ?? text);
}

const PROTOS: ReadonlyMap<string, 'http' | 'https'> = new Map([
  ['http', 'http'],
  ['https', 'https'],
  // Traefik writes these for a WebSocket.
  ['ws', 'http'],
  ['wss', 'https'],
]);

/** Several proxies may each have added their word; they must all say the same. */
function readProto(values: readonly string[]): 'http' | 'https' | undefined | 'unreadable' {
  if (values.length === 0) return undefined;
  const protos = new Set(
    values.flatMap((value) => value.split(',')).map((text) => PROTOS.get(trimBlanks(text).toLowerCase())),
  );
  const [proto] = protos;
  return protos.size === 1 && proto !== undefined ? proto : 'unreadable';
}

const refused = (reason: ForwardedRefusal): ClientAddress => ({ kind: 'refused', reason });
