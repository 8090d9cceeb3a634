import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';

/** What the kernel calls file systems that lie on another machine (statfs(2)). SQLite's locks do not hold there. */
const remote: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x01021997, '9p'],
  [0x65735546, 'FUSE'],
]);

/** The directory of keys and database. */
export const state: Check = {
  id: 'state',
  title: 'the state directory can be written, is on a local disk, and is private',
  sides: ['gateway'],
  finds: {
    'state-writable': 'the state directory cannot be written by this user',
    'state-remote': 'the state directory lies on another machine, where the locks of SQLite do not hold',
    'state-private': 'others may read the keys or the database',
  },
  async run(env) {
    const folder = env.loaded.config.state;
    const about = { about: folder };
    const writable = { id: 'state-writable', ...about, tried: 'the right to write there' };
    try {
      accessSync(folder, constants.W_OK | constants.R_OK | constants.X_OK);
    } catch (error) {
      const todo = "Run it as the gateway's user; the directory belongs to that user, with mode 700.";
      const seen = { ...writable, seen: reasonOf(error) };
      return [isAbsent(error) ? unknown(seen, 'Start the gateway once, and try again.') : fail(seen, todo)];
    }
    return [pass({ ...writable, seen: 'there is one' }), judgeDisk(folder), ...judgeModes(folder)];
  },
};

function judgeDisk(folder: string): Finding {
  const about = { id: 'state-remote', about: folder, tried: 'the kind of its file system' };
  try {
    const name = remote.get(statfsSync(folder).type);
    if (name === undefined) return pass({ ...about, seen: 'a local one' });
    return fail({ ...about, seen: name }, 'Put state on a local disk. What gateways share belongs into Redis.');
  } catch (error) {
    return unknown({ ...about, seen: reasonOf(error) }, 'Look where the directory lies.');
  }
}

function judgeModes(folder: string): readonly Finding[] {
  if (process.platform === 'win32') return [];
  return ['keys.json', 'cardea.sqlite'].flatMap((name) => {
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    const about = { id: 'state-private', about: path, tried: 'its mode and that of its directory' };
    const open = (stat.mode & 0o077) !== 0 && (statSync(folder).mode & 0o077) !== 0;
    const mode = (stat.mode & 0o777).toString(8);
    const wrong = name === 'keys.json' ? (stat.mode & 0o077) !== 0 : open;
    if (!wrong) return [pass({ ...about, seen: `mode ${mode}` })];
    return [
      fail(
        { ...about, seen: `mode ${mode}: others may read it` },
        name === 'keys.json'
          ? 'chmod 600, and rotate the keys if others may have read it.'
          : 'chmod 700 the directory.',
      ),
    ];
  });
}

const isAbsent = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
