import { copyFileSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for a gateway that shares its keys with the one in `other`. */
export function folderWithKeysOf(other: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-replica-'));
  mkdirSync(join(folder, 'state'), { mode: 0o700 });
  copyFileSync(join(other, 'state/keys.json'), join(folder, 'state/keys.json'));
  return folder;
}
