/**
 * Remembers used authenticators in the database, so that a token does not work again
 * after a restart, and so that several processes on one machine share what they know.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ReplayCache } from '../ports/replay-cache.ts';

/** The table, as a migration for `openDatabase`. One tree and no index on the expiry: that would double the cost of a claim. */
export const replayCacheTables = `
  CREATE TABLE replay (key TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** So many claims add so many rows at most, and then a longer stretch of the table is swept: it cannot outgrow the sweep. */
const sweepEvery = 64;
const sweepRows = 256;

/** A replay cache in `database`, which stays open when the cache is closed. `now`: milliseconds since the epoch. */
export function sqliteReplayCache(database: DatabaseSync, now: () => number): ReplayCache {
  // One statement is one atomic step. An expired row is taken over; a live one stays, and then nothing has changed.
  const claim = database.prepare(`
    INSERT INTO replay (key, expires_at) VALUES (?, ?)
    ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE expires_at <= ?`);
  const stretch = database.prepare(`SELECT key FROM replay WHERE key > ? ORDER BY key LIMIT 1 OFFSET ${sweepRows - 1}`);
  const sweep = database.prepare('DELETE FROM replay WHERE key > ? AND key <= ? AND expires_at <= ?');
  const sweepRest = database.prepare('DELETE FROM replay WHERE key > ? AND expires_at <= ?');
  let claims = 0;
  let swept = '';
  let closed = false;

  /** Removes what has expired from the next stretch of keys, in their order, and begins again behind the last. */
  function sweepOn(moment: number): void {
    const last = stretch.get(swept)?.['key'];
    if (typeof last === 'string') sweep.run(swept, last, moment);
    else sweepRest.run(swept, moment);
    swept = typeof last === 'string' ? last : '';
  }

  return {
    claim(key, expiresAt) {
      if (closed) throw new Error('Cannot claim: the replay cache is closed');
      const moment = Math.floor(now()); // the columns are integers; either rounding only remembers for longer
      if (expiresAt <= moment) return false; // it could not be remembered
      const won = Number(claim.run(key, Math.ceil(expiresAt), moment).changes) === 1;
      if (++claims % sweepEvery === 0) sweepOn(moment);
      return won;
    },
    close() {
      closed = true;
    },
  };
}
