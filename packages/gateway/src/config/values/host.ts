import { canonicalHost } from '../../wire/host.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';

/**
 * The name by which browsers reach an app, in the form that requests are brought to: a host name or an IP address,
 * without scheme and port, in lower case; `*` stands for any host.
 */
export function parseHost(text: string): Parsed<string> {
  if (text === '*') return ok(text);
  if (text.includes('://'))
    return wrong(`"${text}" is a URL`, 'Write the host name alone, for example desk.corp.example.');
  if (text.includes('*'))
    return wrong(`"${text}" has a wildcard`, 'List the host names, or write "*" alone for any host (one app only).');
  const host = canonicalHost(text);
  if (host.kind === 'ok' && host.port === undefined) return ok(host.host);
  if (host.kind === 'ok' || host.reason === 'host-bad-port')
    return wrong(`"${text}" has a port`, 'Write the host name alone: the port is stated in listen.');
  if (host.reason === 'host-bad-address')
    return wrong(
      `"${text}" is not an IP address`,
      'Write 192.0.2.1, or an IPv6 address in brackets and quotation marks: "[2001:db8::1]".',
    );
  return wrong(
    `"${text}" is not a host name`,
    'Write a name such as desk.corp.example; names outside ASCII in their xn-- form.',
  );
}
