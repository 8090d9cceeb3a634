import type { Loaded } from '../config/load.ts';

/** The contents of a file that the configuration names. Throws for one that could not be read. */
export type Read = (path: string) => Buffer;

/** Files were read when the configuration was checked; what was checked is what is used. */
export function reader({ files }: Pick<Loaded, 'files'>): Read {
  return (path) => {
    const file = files.read(path);
    if (file.kind === 'wrong') throw new Error(`Cannot start: ${file.message}`);
    return Buffer.from(file.value);
  };
}
