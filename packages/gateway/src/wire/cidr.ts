/**
 * IP addresses and networks (RFC 4632, RFC 4291). An IPv4 address that comes
 * wrapped in IPv6 (`::ffff:10.0.0.1`) is that IPv4 address.
 *
 * @module
 */
import { isIPv4, isIPv6 } from 'node:net';

export interface Cidr {
  /** Four or sixteen bytes. */
  readonly network: Uint8Array;
  /** Leading bits that count. */
  readonly prefix: number;
}

export type ParsedCidr =
  | { readonly kind: 'ok'; readonly cidr: Cidr }
  | { readonly kind: 'wrong'; readonly reason: string };

/** Reads `10.0.0.0/8`, `2001:db8::/32` or one address. Bits behind the prefix must be zero: else somebody meant something else. */
export function parseCidr(text: string): ParsedCidr {
  const slash = text.indexOf('/');
  const address = addressBytes(slash === -1 ? text : text.slice(0, slash));
  if (address === undefined) return wrong('it is not an IP address');
  const wrapped = address.length === 4 && text.includes(':');
  const bits = wrapped ? 128 : address.length * 8;

  const prefixText = slash === -1 ? String(bits) : text.slice(slash + 1);
  const written = /^(?:0|[1-9][0-9]{0,2})$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  const prefix = wrapped ? written - 96 : written;
  if (!(prefix >= 0 && prefix <= address.length * 8))
    return wrong(`the prefix length is not between ${wrapped ? 96 : 0} and ${bits}`);

  const network = masked(address, prefix);
  if (!sameBytes(network, address)) return wrong('the address has bits set behind the prefix');
  return { kind: 'ok', cidr: { network, prefix } };
}

/** A function that tells whether an address lies in one of these networks. What is no address lies in none. Throws for a wrong network. */
export function cidrMatcher(networks: readonly string[]): (address: string) => boolean {
  const cidrs = networks.map((text) => {
    const parsed = parseCidr(text);
    if (parsed.kind === 'wrong') throw new TypeError(`Cannot read network "${text}": ${parsed.reason}`);
    return parsed.cidr;
  });
  // Every request asks, and mostly about the same few peers.
  const known = new Map<string, boolean>();
  return (address) => {
    if (cidrs.length === 0) return false;
    const before = known.get(address);
    if (before !== undefined) return before;
    const bytes = addressBytes(address);
    const inside = bytes !== undefined && cidrs.some((cidr) => contains(cidr, bytes));
    if (known.size >= maxKnown) known.clear();
    known.set(address, inside);
    return inside;
  };
}

/** Addresses that a matcher remembers. */
const maxKnown = 1_000;

/** The one spelling of an address (RFC 5952; wrapped IPv4 unwrapped), or `undefined` for what is none. */
export function canonicalAddress(text: string): string | undefined {
  const bytes = addressBytes(text);
  if (bytes === undefined) return undefined;
  return bytes.length === 4 ? bytes.join('.') : new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** What one subscriber has at least: an IPv4 address, or the 64 leading bits of an IPv6 address (RFC 4291, 2.5.1). */
export function networkOf(address: string): string {
  const bytes = addressBytes(address);
  return bytes === undefined || bytes.length === 4
    ? address
    : `${Buffer.from(bytes.subarray(0, 8)).toString('hex')}/64`;
}

function addressBytes(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  // A zone (`fe80::1%eth0`) is no part of the address.
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const bytes = ipv6Bytes(text);
  return isWrappedIPv4(bytes) ? bytes.subarray(12) : bytes;
}

/** `text` is a valid address. */
function ipv6Bytes(text: string): Uint8Array {
  const [front = '', back] = text.split('::');
  const head = groups(front);
  const tail = back === undefined ? [] : groups(back);
  const bytes = new Uint8Array(16);
  bytes.set(head, 0);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

const groups = (text: string): number[] =>
  text === ''
    ? []
    : text.split(':').flatMap((group) => {
        if (group.includes('.')) return group.split('.').map(Number);
        const value = Number.parseInt(group, 16);
        return [value >> 8, value & 0xff];
      });

const isWrappedIPv4 = (bytes: Uint8Array): boolean =>
  bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);

const contains = ({ network, prefix }: Cidr, address: Uint8Array): boolean =>
  network.length === address.length && sameBytes(masked(address, prefix), network);

const masked = (bytes: Uint8Array, prefix: number): Uint8Array =>
  bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - i * 8))));

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i]);

const wrong = (reason: string): ParsedCidr => ({ kind: 'wrong', reason });
