import { DerError } from './der.ts';
import { type Failure, type FailureCode, failure } from './failure.ts';

/**
 * A refusal on its way out of the steps that check an AP-REQ. `verifyApReq` throws and catches it: outside, a refused
 * token is a value.
 */
export class Refusal extends Error {
  readonly failure: Failure;

  constructor(reason: Failure) {
    super(reason.code);
    this.failure = reason;
  }
}

/** Ends the checks with a failure. */
export function refuse(code: FailureCode, message: string): never {
  throw new Refusal(failure(code, message));
}

/** Decodes, or refuses as malformed. The messages of `DerError` hold positions and tags, no contents. */
export function decode<T>(what: string, read: (bytes: Uint8Array) => T, bytes: Uint8Array): T {
  try {
    return read(bytes);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return refuse('token-malformed', `The ${what} breaks its encoding rules. ${error.message}`);
  }
}
