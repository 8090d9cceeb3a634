/**
 * The same as `accept-mit.py` with our acceptor, PAC decoded. Reads an `AcceptLoad` on standard input.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { openDatabase } from '../packages/gateway/src/stores/database.ts';
import { replayCacheTables, sqliteReplayCache } from '../packages/gateway/src/stores/replay-cache-sqlite.ts';
import { createAcceptor, MemoryReplayCache, parseKeytab } from '../packages/kerberos/src/index.ts';

export interface AcceptLoad {
  readonly file: string;
  readonly batch: number;
  readonly keytab: string;
  /** For the replay cache in a database; without it, it is in memory. */
  readonly state?: string;
  /** Fewer groups decoded than this is an error. */
  readonly groups: number;
}

async function accept({ file, batch, keytab, state, groups }: AcceptLoad): Promise<readonly number[]> {
  const tokens = readFileSync(file, 'latin1')
    .trim()
    .split('\n')
    .map((line) => Buffer.from(line, 'base64'));
  const replayCache =
    state === undefined
      ? new MemoryReplayCache({ now: Date.now })
      : sqliteReplayCache(openDatabase(state, [replayCacheTables]), Date.now);
  const acceptor = createAcceptor({ keytab: parseKeytab(readFileSync(keytab)), replayCache });
  const costs: number[] = [];
  for (let from = 0; from < tokens.length; from += batch) {
    const some = tokens.slice(from, from + batch);
    const before = process.cpuUsage();
    for (const token of some) {
      const result = await acceptor.accept(token, { now: Date.now() });
      if (result.kind !== 'accepted') throw new Error(`Cannot measure: a token was not accepted (${result.kind})`);
      if ((result.client.pac?.logon?.groupSids.length ?? 0) < groups)
        throw new Error('Cannot measure: groups are missing');
    }
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / some.length);
  }
  return costs;
}

if (import.meta.main) console.log(JSON.stringify(await accept(JSON.parse(await text(process.stdin)))));
