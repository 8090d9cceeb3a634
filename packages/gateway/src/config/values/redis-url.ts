import { ok, type Parsed, wrong } from '../parsed.ts';
import { type Leaf, leaf } from './leaf.ts';
import { parseAppAddress } from './url.ts';

const example = 'rediss://redis.corp.example:6379';

/**
 * Where a Redis or Valkey listens: `redis://` or `rediss://` (TLS) with host, perhaps a port and the number of a database, or
 * `unix:` and the absolute path of a socket. No message quotes what may be a password.
 */
export function parseRedisUrl(text: string): Parsed<string> {
  if (text.startsWith('unix:')) return parseAppAddress(text);
  const write = `Write it like ${example}, or unix:/run/redis/redis.sock.`;
  if (text.includes('@'))
    return wrong('the URL holds a user name or password', 'Put them into redis.user and redis.password.');
  // The URL standard repairs much (tabs, backslashes, missing slashes); only what needs no repair is taken.
  const [, scheme, rest] = /^(rediss?):\/\/([^\s\\/?#]+)(?:\/(?:[0-9]|[1-9][0-9]{1,3})?)?$/.exec(text) ?? [];
  // As a special scheme, so that the host is checked and spelled as in other URLs.
  if (scheme === undefined || !URL.canParse(`https://${rest}`))
    return wrong(`"${text}" is not a redis or rediss URL`, write);
  const { hostname, port } = new URL(`https://${rest}`);
  const writtenPort = /:(\d+)$/.exec(rest ?? '')?.[1] ?? port;
  const database = /\/(\d+)$/.exec(text)?.[1];
  const parts = [
    `${scheme}://${hostname}`,
    writtenPort === '' ? '' : `:${Number(writtenPort)}`,
    database && `/${database}`,
  ];
  return ok(parts.join(''));
}

export const redisUrl = (): Leaf<string> => leaf('redis URL or unix:/path', example, parseRedisUrl);
