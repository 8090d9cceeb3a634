import { posix } from 'node:path';

/**
 * Where the address of an app leads, in one spelling: the path of a socket, or host and port. `http` and `https` on one port are
 * one place, and so are all names of this machine that need no name server. Two other names of one machine are two places.
 */
export function placeOf(address: string): string {
  if (address.startsWith(UNIX)) return UNIX + posix.normalize(address.slice(UNIX.length));
  const { hostname, port, protocol } = new URL(address); // it brings case and all ways to write an IP address to one
  return `${oneName(hostname)}:${port || (protocol === 'https:' ? '443' : '80')}`;
}

const UNIX = 'unix:';

/** A host of a URL: `localhost` for this machine, and an IPv4 address as such where it stands in one of IPv6. */
function oneName(hostname: string): string {
  const name = unmapped(hostname.replace(/\.$/, ''));
  return here.test(name) ? 'localhost' : name;
}

/**
 * 127.0.0.0/8 and `::1`; no address, by which one connects to this machine as well; `localhost` and what stands below it (RFC 6761, 6.3).
 */
const here = /^(?:127\.[0-9.]+|\[::1\]|0\.0\.0\.0|\[::\]|(?:.+\.)?localhost)$/;

/** `[::ffff:7f00:1]`, as URLs write an IPv4 address in IPv6 (RFC 4291, 2.5.5.2), is `127.0.0.1`. */
function unmapped(hostname: string): string {
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return hostname;
  const parts = [high, low].map((digits) => Number.parseInt(digits, 16));
  return parts.flatMap((part) => [part >> 8, part & 0xff]).join('.');
}
