import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { sqliteAudit } from '../audit/sqlite.ts';
import type { Loaded } from '../config/load.ts';
import type { EventParticulars } from '../core/audit-event.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { Terminal } from './command.ts';
import type { OpenState } from './open-state.ts';

/** Whom an event is about, when it is about one person. */
export interface About {
  readonly account: string | undefined;
  readonly subject: string | undefined;
}

/**
 * Writes down what an administrator has done, before the command ends, into the table that the gateway writes to as well. Where
 * no gateway has run there is none, and the administrator is told. Throws `StoreUnavailable` when it cannot be written;
 * `done` says what has happened all the same.
 */
export async function recordCommand(
  { database }: OpenState,
  { audit }: Loaded['config'],
  { stderr, now }: Terminal,
  event: EventParticulars,
  about: About,
  done: string,
): Promise<void> {
  if (database === undefined) return void stderr.write('Not in the audit log: there is none on this machine\n');
  if (!audit.sqlite) return;
  const lost: string[] = [];
  const sink = sqliteAudit({ database, retainMs: audit.retain, onTrouble: (message) => lost.push(message) });
  sink.write({ ...event, ...about, time: now(), requestId: randomUUID(), address: 'command-line', app: undefined });
  await sink.close();
  if (lost.length > 0) throw new StoreUnavailable(`${done}, but the audit log knows nothing of it: ${lost.join('; ')}`);
}

/** The user who runs this; with sudo, also who asked for it. */
export function operator(env: Terminal['env']): string {
  const username = ownName();
  const sudo = env['SUDO_USER'];
  return sudo === undefined || sudo === '' ? username : `${username} (sudo by ${sudo})`;
}

/** In a container the user may have a number alone. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
