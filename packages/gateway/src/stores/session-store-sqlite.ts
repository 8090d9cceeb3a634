/**
 * Sessions in the database, for the threads and processes of one machine.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { canonicalName } from '../auth/canonical-name.ts';
import type { SessionBounds, SessionStore, SessionSummary, StoredSession } from '../ports/session-store.ts';
import { asking } from './database-errors.ts';
import { personNames } from './person-names.ts';
import { pageAfter, pageLimit, pageOf } from './session-page.ts';

/** The tables, as a migration for `openDatabase`. No index on `last_seen`, which is written all the time. */
export const sessionTables = `
  CREATE TABLE session (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    account TEXT NOT NULL,
    upn TEXT,
    method TEXT NOT NULL,
    provider TEXT,
    provider_session TEXT,
    address TEXT NOT NULL,
    device TEXT NOT NULL,
    app TEXT,
    since INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    body BLOB,
    refresh BLOB
  ) STRICT;
  CREATE INDEX session_by_since ON session (since, id);
  CREATE INDEX session_by_end ON session (expires_at);
  CREATE INDEX session_by_subject ON session (subject);
  CREATE TABLE session_person (
    name TEXT NOT NULL,
    id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    PRIMARY KEY (name, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX session_person_by_id ON session_person (id);
`;

const summary =
  'id, subject, account, upn, method, provider, provider_session, address, device, app, since, last_seen, expires_at';
const sweepRows = 64;
/** Counting takes a walk over an index, so it is done once in so many sign-ins. */
const countEvery = 64;
const touchAtOnce = 500;

/** Sessions in `database`, which stays open when the store is closed. `now`: milliseconds since the epoch. */
export function sqliteSessionStore(
  database: DatabaseSync,
  now: () => number,
  bounds: SessionBounds = {},
): SessionStore {
  const { total = 200_000, perPerson = 100 } = bounds;
  const page = (condition: string): string => `
    SELECT ${summary} FROM session
    WHERE ${condition} AND expires_at > ? AND (since, id) < (?, ?) ORDER BY since DESC, id DESC LIMIT ?`;
  const removeOld = (which: string): string => `DELETE FROM session WHERE id IN (SELECT id FROM session ${which})`;
  const statements = {
    insert: database.prepare(
      `INSERT INTO session (${summary}, body, refresh) VALUES (${Array.from({ length: 15 }, () => '?').join(', ')})`,
    ),
    name: database.prepare('INSERT INTO session_person (name, id) VALUES (?, ?)'),
    get: database.prepare(`SELECT ${summary}, body, refresh FROM session WHERE id = ? AND expires_at > ?`),
    update: database.prepare(`
      UPDATE session SET body = coalesce(?, body), refresh = coalesce(?, refresh) WHERE id = ? AND expires_at > ?`),
    touch: database.prepare(`
      UPDATE session SET last_seen = max(last_seen, seen.value ->> 1) FROM json_each(?) AS seen
      WHERE session.id = seen.value ->> 0 RETURNING session.id`),
    all: database.prepare(page('true')),
    ofPerson: database.prepare(page('id IN (SELECT id FROM session_person WHERE name = ?)')),
    remove: database.prepare('DELETE FROM session WHERE id = ?'),
    sweep: database.prepare(removeOld(`WHERE expires_at <= ? LIMIT ${sweepRows}`)),
    count: database.prepare('SELECT count(*) AS count FROM session'),
    removeOldest: database.prepare(removeOld('ORDER BY since, id LIMIT ?')),
    ofSubject: database.prepare('SELECT count(*) AS count FROM session WHERE subject = ?'),
    removeOfSubject: database.prepare(
      removeOld('WHERE subject = ? AND id <> ? ORDER BY last_seen > since, last_seen, id LIMIT ?'),
    ),
  };
  let puts = 0;

  function transaction<T>(work: () => T): T {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }

  function keepBounds({ id, subject }: StoredSession): void {
    statements.sweep.run(now());
    const ofSubject = Number(statements.ofSubject.get(subject)?.['count']);
    if (ofSubject > perPerson) statements.removeOfSubject.run(subject, id, ofSubject - perPerson);
    if (puts++ % countEvery !== 0) return;
    const count = Number(statements.count.get()?.['count']);
    if (count > total) statements.removeOldest.run(count - total);
  }

  return {
    async put(session) {
      asking(() =>
        transaction(() => {
          statements.remove.run(session.id);
          statements.insert.run(...values(session));
          for (const name of personNames(session)) statements.name.run(name, session.id);
          keepBounds(session);
        }),
      );
    },

    async get(id) {
      const row = asking(() => statements.get.get(id, now()));
      return row === undefined
        ? undefined
        : { ...readSummary(row), body: bytes(row['body']), refresh: bytes(row['refresh']) };
    },

    async update(id, { body, refresh }) {
      return asking(() => statements.update.run(body ?? null, refresh ?? null, id, now())).changes === 1;
    },

    async touch(seen) {
      const unknown: string[] = [];
      for (let i = 0; i < seen.length; i += touchAtOnce) {
        if (i > 0) await new Promise((resolve) => setImmediate(resolve)); // requests come between
        const batch = seen.slice(i, i + touchAtOnce);
        const uses = JSON.stringify(batch.map(({ id, lastSeen }) => [id, Math.floor(lastSeen)]));
        const found = new Set(asking(() => statements.touch.all(uses)).map(({ id }) => id));
        unknown.push(...batch.map(({ id }) => id).filter((id) => !found.has(id)));
      }
      return unknown;
    },

    async list(query = {}) {
      const limit = pageLimit(query);
      const { since, id } = pageAfter(query);
      const bound = [now(), since, id, limit + 1] as const;
      const rows = asking(() =>
        query.person === undefined
          ? statements.all.all(...bound)
          : statements.ofPerson.all(canonicalName(query.person), ...bound),
      );
      return pageOf(rows.map(readSummary), limit);
    },

    async remove(ids) {
      return asking(() =>
        transaction(() => ids.reduce((removed, id) => removed + Number(statements.remove.run(id).changes), 0)),
      );
    },

    close() {},
  };
}

function values(session: StoredSession): (string | number | Uint8Array | null)[] {
  const { id, subject, account, upn, method, provider, providerSession, address, device, app } = session;
  const { since, lastSeen, expiresAt, body, refresh } = session;
  const who = [id, subject, account, upn ?? null, method, provider ?? null, providerSession ?? null];
  const times = [since, lastSeen, expiresAt].map(Math.floor);
  return [...who, address, device, app ?? null, ...times, body ?? null, refresh ?? null];
}

function readSummary(row: Record<string, unknown>): SessionSummary {
  return {
    id: String(row['id']),
    subject: String(row['subject']),
    account: String(row['account']),
    upn: text(row['upn']),
    method: String(row['method']),
    provider: text(row['provider']),
    providerSession: text(row['provider_session']),
    address: String(row['address']),
    device: String(row['device']),
    app: text(row['app']),
    since: Number(row['since']),
    lastSeen: Number(row['last_seen']),
    expiresAt: Number(row['expires_at']),
  };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const bytes = (value: unknown): Uint8Array | undefined => (value instanceof Uint8Array ? value : undefined);
