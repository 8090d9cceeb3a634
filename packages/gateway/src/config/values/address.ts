import { isIP } from 'node:net';
import { ok, type Parsed, wrong } from '../parsed.ts';

/** Where to listen. */
export interface Address {
  /** An IP address, without brackets, or `localhost`. */
  readonly host: string;
  readonly port: number;
}

const example = 'Write an IP address and a port, for example 0.0.0.0:8443, 127.0.0.1:8080 or "[::1]:8443" (in quotes).';

/** `host:port` with an IPv4 address, an IPv6 address in brackets, or `localhost`. Port 0 asks for any free one. */
export function parseAddress(text: string): Parsed<Address> {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(text) ?? [];
  if (digits === undefined) return wrong(`"${text}" is not an address with a port`, example);
  const port = Number(digits);
  if (port > 65_535) return wrong(`${digits} is not a port`, 'A port is a number from 1 to 65535.');
  const host = bracketed ?? plain ?? '';
  const known =
    bracketed === undefined ? isIP(host) === 4 || host === 'localhost' : isIP(host) === 6 && !host.includes('%');
  if (!known) return wrong(`"${host}" is neither an IP address nor localhost`, example);
  return ok({ host, port });
}

/** Whether only programs on this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** The address as it is written in the configuration. */
export const addressText = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
