import { isIPv4, isIPv6 } from 'node:net';

export type HostRefusal = 'host-empty' | 'host-too-long' | 'host-bad-name' | 'host-bad-address' | 'host-bad-port';

export type CanonicalHost =
  | {
      readonly kind: 'ok';
      /** Lower case, without a port or a trailing dot; an IPv6 address in brackets, in its shortest form. */
      readonly host: string;
      /** As given; `undefined` means the scheme's own. */
      readonly port: number | undefined;
    }
  | { readonly kind: 'refused'; readonly reason: HostRefusal };

// RFC 1123, 2.1, and the underscore inside a label, which Windows machine names may have.
const LABEL = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/;
const MAX_NAME_LENGTH = 255;
const MAX_VALUE_LENGTH = MAX_NAME_LENGTH + ':65535'.length;

/**
 * Reads the value of a `Host` field (RFC 9112, 3.2): a DNS name, an IPv4 address or a bracketed IPv6 address, and a
 * port. Stricter than the RFC's `reg-name`, so that no two readers can find two hosts in it: no userinfo, no escapes,
 * no empty port, no number that is not a dotted quad.
 */
export function canonicalHost(value: string): CanonicalHost {
  if (value === '') return refused('host-empty');
  if (value.length > MAX_VALUE_LENGTH) return refused('host-too-long');
  // Before letters are folded: the Kelvin sign folds into `k`.
  if (!/^[\x21-\x7e]*$/.test(value)) return refused('host-bad-name');

  const portAt = value.startsWith('[') ? value.indexOf(']') + 1 : value.indexOf(':');
  if (portAt === 0) return refused(value.startsWith('[') ? 'host-bad-address' : 'host-empty');
  const name = portAt === -1 ? value : value.slice(0, portAt);
  const port = portAt === -1 ? undefined : readPort(value.slice(portAt));
  if (port === 'bad') return refused('host-bad-port');

  const host = name.startsWith('[') ? canonicalIPv6(name.slice(1, -1)) : canonicalName(name.toLowerCase());
  return typeof host === 'string' ? { kind: 'ok', host, port } : host;
}

/** `''` is no port; otherwise a colon and 1 to 65535 without leading zeros. */
function readPort(text: string): number | undefined | 'bad' {
  if (text === '') return undefined;
  const port = /^:[1-9][0-9]{0,4}$/.test(text) ? Number(text.slice(1)) : 0;
  return port >= 1 && port <= 65535 ? port : 'bad';
}

function canonicalIPv6(text: string): string | Refused {
  // A zone (`%eth0`) means something on one machine only.
  if (!isIPv6(text) || text.includes('%')) return refused('host-bad-address');
  return new URL(`http://[${text}]`).hostname;
}

function canonicalName(text: string): string | Refused {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name === '') return refused('host-empty');
  if (name.length > MAX_NAME_LENGTH) return refused('host-too-long');
  const labels = name.split('.');
  if (!labels.every((label) => LABEL.test(label))) return refused('host-bad-name');
  // The URL standard reads `127.1`, `0x7f.1` and `2130706433` as 127.0.0.1; a name that ends in a number is an address or nothing.
  const last = labels.at(-1) ?? '';
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(last) && !isIPv4(name)) return refused('host-bad-address');
  return name;
}

type Refused = { readonly kind: 'refused'; readonly reason: HostRefusal };

const refused = (reason: HostRefusal): Refused => ({ kind: 'refused', reason });
