import type { Config } from '../config/schema.ts';
import { isLoopback } from '../config/values/address.ts';
import type { PostgresOptions } from '../stores/postgres.ts';

/** The PostgreSQL for usage that a configuration asks for, its files read by `read`; `undefined` when it asks for none. */
export function usagePostgresConfig(
  { usage }: Pick<Config, 'usage'>,
  read: (path: string) => Uint8Array,
): PostgresOptions | undefined {
  if (usage === false || usage.postgres === undefined) return undefined;
  const { url: place, user, password, ca, timeout } = usage.postgres;
  const stays = place.host.startsWith('/') || isLoopback(place.host);
  return {
    place,
    user,
    password,
    tls: stays && ca === undefined ? false : { ca: ca && Buffer.from(read(ca)).toString() },
    timeoutMs: timeout,
  };
}
