import { addressText, isLoopback } from '../values/address.ts';
import { type Check, error, warning } from './check.ts';

/** Redis: what is asked of it is there, and nothing secret goes to it in plain text unnoticed. */
export const checkRedis: Check = ({ config, production = false, report }) => {
  const { redis, session } = config;
  if (redis === undefined) return;
  if (redis === false) {
    if (session?.store === 'redis')
      report(
        error(['session', 'store'], 'sessions are to lie in Redis, and none is configured', 'Add redis: { url: … }.'),
      );
    return;
  }
  if (production)
    report(
      warning(
        ['redis'],
        'if several gateways share this Redis, each seals cookies with keys of its own unless you give them the same ones',
        'Copy keys.json of one of them into the state directory of each, and set session.key_rotation to 3650d, so that none makes new ones alone; see docs/sign-in.md. With one gateway there is nothing to do.',
      ),
    );
  const encrypted = redis.url.startsWith('rediss:');
  if (redis.ca !== undefined && !encrypted)
    report(error(['redis', 'ca'], 'the connection has no TLS', 'Write rediss:// in redis.url, or remove ca.'));
  if (redis.user !== undefined && redis.password === undefined)
    report(error(['redis', 'user'], 'there is no password for it', 'Add redis.password.'));
  if (redis.url.startsWith('unix:')) return;
  const host = new URL(redis.url).hostname.replace(/^\[(.*)\]$/, '$1');
  if (isLoopback(host)) return;
  if (!encrypted)
    report(
      warning(
        ['redis', 'url'],
        `what is said to ${addressText({ host, port: 0 }).replace(/:0$/, '')} can be read and changed on the way${redis.password === undefined ? '' : ', the password too'}`,
        'Write rediss://, unless the network between is yours alone.',
      ),
    );
  if (redis.password === undefined)
    report(
      warning(
        ['redis', 'url'],
        'whoever reaches this Redis may use it: no password is configured',
        'Give Cardea a user and a password there, and let a firewall or NetworkPolicy admit Cardea alone.',
      ),
    );
};
