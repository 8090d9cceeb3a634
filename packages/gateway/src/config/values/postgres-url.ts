import type { PostgresPlace } from '../../stores/postgres-words.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';
import { type Leaf, leaf } from './leaf.ts';

const example = 'postgres://pg.corp.example:5432/cardea';
const usualPort = 5432;

/**
 * Where a PostgreSQL listens, and a database of it: `postgres://host:port/database`, or for a socket, as its own programs
 * have it, `postgres:///database?host=/run/postgresql`. No message quotes what may be a password.
 */
export function parsePostgresUrl(text: string): Parsed<PostgresPlace> {
  const write = `Write it like ${example}, or postgres:///cardea?host=/run/postgresql.`;
  if (text.includes('@') || /[?&](?:user|password)=/.test(text))
    return wrong(
      'the URL holds a user name or password',
      'Put them into usage.postgres.user and usage.postgres.password.',
    );
  const refused = wrong(`"${text}" is not a postgres URL with a database`, write);
  // Only what needs no repair is taken; further parameters would be promises that nobody keeps.
  const [, at, database, query] =
    /^postgres(?:ql)?:\/\/([^\s\\/?#]*)\/([A-Za-z0-9_][A-Za-z0-9_.-]{0,62})(?:\?([^\s\\#]*))?$/.exec(text) ?? [];
  if (at === undefined || database === undefined) return refused;
  if (at === '') {
    const [, folder, written] = /^host=((?:\/[A-Za-z0-9_.-]+)+)(?:&port=([1-9][0-9]{0,4}))?$/.exec(query ?? '') ?? [];
    const port = Number(written ?? usualPort);
    return folder === undefined || port > 65_535 ? refused : ok({ host: folder, port, database });
  }
  if (query !== undefined)
    return wrong(
      'the URL has parameters',
      'Remove them: TLS is used anyway, and an authority of your own goes into usage.postgres.ca.',
    );
  // As a special scheme, so that the host is checked and spelled as in other URLs.
  if (!/^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::0*[1-9][0-9]*)?$/.test(at) || !URL.canParse(`https://${at}`))
    return refused;
  const { hostname, port } = new URL(`https://${at}`);
  const written = /:(\d+)$/.exec(at)?.[1] ?? port;
  return ok({
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: written === '' ? usualPort : Number(written),
    database,
  });
}

export const postgresUrl = (): Leaf<PostgresPlace> => leaf('postgres URL', example, parsePostgresUrl);
