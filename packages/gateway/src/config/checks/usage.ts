import { isLoopback } from '../values/address.ts';
import { type Check, warning } from './check.ts';

/** Usage in PostgreSQL: not everybody who reaches it may read who has used what. */
export const checkUsage: Check = ({ config, report }) => {
  const { usage } = config;
  const postgres = usage === undefined || usage === false ? undefined : usage.postgres;
  if (postgres === undefined || postgres.password !== undefined) return;
  const { host } = postgres.url;
  if (host.startsWith('/') || isLoopback(host)) return;
  report(
    warning(
      ['usage', 'postgres'],
      'no password is configured: either the server lets everybody in who reaches it, or nothing can be kept',
      'Give the role a password there, and write it into a file that usage.postgres.password names.',
    ),
  );
};
