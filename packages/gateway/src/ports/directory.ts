/** What a directory knows about groups and people. Answers are cached inside, within bounds. */
export interface Directory {
  /**
   * Names for SIDs. A SID that the directory does not know is absent from the result.
   * Throws `DirectoryError` when it cannot be asked and not all of them are remembered.
   */
  groupNames(sids: readonly string[], now: number): Promise<ReadonlyMap<string, string>>;
  /** Particulars of one person by SID; `undefined` for an unknown one. */
  person(sid: string, now: number): Promise<Person | undefined>;
  /** One round trip, for readiness checks. Throws when the directory cannot be asked. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface Person {
  readonly name: string | undefined;
  readonly email: string | undefined;
  readonly upn: string | undefined;
}

/** The directory could not be asked. The message names the server and the cause, never a credential. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
  /** The group names that are known nevertheless (from a table, or remembered), of those that were asked for. */
  readonly known: ReadonlyMap<string, string>;

  constructor(
    message: string,
    options: { readonly cause?: unknown; readonly known?: ReadonlyMap<string, string> } = {},
  ) {
    super(message, { cause: options.cause });
    this.known = options.known ?? new Map();
  }
}
