import { type Directory, DirectoryError, type Person } from '../ports/directory.ts';

/** Several directories as one: the first that knows something is believed, and the later ones are asked only for the rest. */
export function chainDirectories(directories: readonly Directory[]): Directory {
  return {
    async groupNames(sids, now) {
      const names = new Map<string, string>();
      let trouble: DirectoryError | undefined;
      let rest = sids;
      for (const directory of directories) {
        if (rest.length === 0) break;
        let found: ReadonlyMap<string, string>;
        try {
          found = await directory.groupNames(rest, now);
        } catch (error) {
          if (!(error instanceof DirectoryError)) throw error;
          trouble ??= error;
          found = error.known;
        }
        for (const [sid, name] of found) names.set(sid, name);
        rest = rest.filter((sid) => !names.has(sid));
      }
      // The one that is down might have known the rest.
      if (trouble !== undefined && rest.length > 0)
        throw new DirectoryError(trouble.message, { cause: trouble, known: names });
      return names;
    },

    async person(sid, now) {
      let trouble: DirectoryError | undefined;
      let person: Person | undefined;
      for (const directory of directories) {
        try {
          person = await directory.person(sid, now);
        } catch (error) {
          if (!(error instanceof DirectoryError)) throw error;
          trouble ??= error;
        }
        if (person !== undefined) return person;
      }
      if (trouble !== undefined) throw trouble;
      return undefined;
    },

    async ping() {
      await Promise.all(directories.map((directory) => directory.ping()));
    },

    async close() {
      await Promise.all(directories.map((directory) => directory.close()));
    },
  };
}
