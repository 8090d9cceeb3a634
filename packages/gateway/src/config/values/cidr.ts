import { parseCidr } from '../../wire/cidr.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';

/**
 * Shorter prefixes than these would trust a good part of the Internet. `10.0.0.0/8` and `fc00::/7` are the largest
 * private networks there are.
 */
const shortestOf = (bytes: number): number => (bytes === 4 ? 8 : 7);

/** A network such as `10.0.0.0/8`, or one address. Peers in it are believed, so that "everybody" is refused. */
export function parseNetwork(text: string): Parsed<string> {
  const parsed = parseCidr(text);
  if (parsed.kind === 'wrong')
    return wrong(
      `"${text}" is not a network: ${parsed.reason}`,
      'Write an address or a network, for example 10.0.5.7 or 10.0.0.0/8.',
    );
  if (parsed.cidr.prefix < shortestOf(parsed.cidr.network.length))
    return wrong(`"${text}" trusts far too many peers`, 'Name only the addresses of your own proxies.');
  return ok(text);
}

/** A network of clients, of any size. */
export function parseClientNetwork(text: string): Parsed<string> {
  const parsed = parseCidr(text);
  if (parsed.kind === 'ok') return ok(text);
  return wrong(
    `"${text}" is not a network: ${parsed.reason}`,
    'Write an address or a network, for example 10.0.5.7 or 10.0.0.0/8.',
  );
}
