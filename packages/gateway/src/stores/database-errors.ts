import { StoreUnavailable } from '../ports/store-unavailable.ts';

/** Asks the database; whatever goes wrong with it becomes a `StoreUnavailable`. */
export function asking<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const why = error instanceof Error && 'errstr' in error ? String(error.errstr) : undefined;
    if (why === undefined && !(error instanceof Error && 'code' in error)) throw error;
    // The text of SQLite's own errors names tables and columns, never values.
    throw new StoreUnavailable(`The database cannot be used: ${why ?? 'it is closed'}`);
  }
}
