import type { Identity } from '../core/identity.ts';
import { type Directory, DirectoryError } from '../ports/directory.ts';

/**
 * The identity with names for its SIDs. Directory trouble never breaks a sign-in: names that
 * cannot be had stay out (policy then refuses what it would have allowed), and `note` says so.
 */
export async function withGroupNames(
  identity: Identity,
  directory: Directory | undefined,
  now: number,
): Promise<{
  readonly identity: Identity;
  /** There is one only when the directory could not be asked. */
  readonly note: string | undefined;
}> {
  if (directory === undefined || identity.sids.length === 0) return { identity, note: undefined };
  let note: string | undefined;
  let names: ReadonlyMap<string, string>;
  try {
    names = await directory.groupNames(identity.sids, now);
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error;
    names = error.known;
    const missing = identity.sids.length - names.size;
    note = `${missing} of ${identity.sids.length} groups have no name: ${error.message}`;
  }
  const groups = new Set(identity.groups);
  for (const sid of identity.sids) {
    const name = names.get(sid);
    if (name !== undefined) groups.add(name);
  }
  return { identity: { ...identity, groups: [...groups] }, note };
}
