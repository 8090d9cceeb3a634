import type { Config } from '../config/schema.ts';
import type { SharedStateConfig } from '../stores/shared-state.ts';

/** Which stores a configuration asks for, its files read by `read`. */
export function sharedStateConfig(
  { redis, session }: Pick<Config, 'redis' | 'session'>,
  read: (path: string) => Uint8Array,
): SharedStateConfig {
  if (redis === false) return { redis: undefined, sessionStore: session.store };
  const { url, user, password, ca, prefix, timeout } = redis;
  return {
    redis: {
      url,
      user,
      password,
      ca: ca === undefined ? undefined : Buffer.from(read(ca)).toString(),
      prefix,
      timeoutMs: timeout,
    },
    sessionStore: session.store,
  };
}
