/**
 * What can be wrong with a message on the wire. A fault ends the connection: behind a message that two readers could
 * read differently, nobody knows where the next one begins (RFC 9112, 2.2 and 6.3).
 *
 * @module
 */

/** A stable word for each way in which a message breaks HTTP/1.1. It contains nothing of the message. */
export type FaultReason =
  | 'head-too-large'
  | 'target-too-long'
  | 'too-many-fields'
  | 'line-break-malformed'
  | 'control-character'
  | 'request-line-malformed'
  | 'status-line-malformed'
  | 'method-malformed'
  | 'method-unknown'
  | 'target-malformed'
  | 'version-unknown'
  | 'version-not-served'
  | 'field-line-malformed'
  | 'field-name-malformed'
  | 'field-name-alias'
  | 'field-value-malformed'
  | 'field-folded'
  | 'field-repeated'
  | 'host-missing'
  | 'connection-malformed'
  | 'interim-response-closes'
  | 'content-length-malformed'
  | 'content-length-with-transfer-encoding'
  | 'content-not-allowed'
  | 'transfer-encoding-malformed'
  | 'transfer-encoding-unknown'
  | 'transfer-encoding-in-http-1.0'
  | 'expectation-unknown'
  | 'content-too-large'
  | 'chunk-size-malformed'
  | 'chunk-extension'
  | 'chunk-malformed'
  | 'trailers-too-large'
  | 'trailer-forbidden'
  | 'response-unexpected'
  | 'message-cut-off'
  /** For whoever keeps the deadlines: the reader itself knows no time. */
  | 'head-timeout'
  | 'content-timeout';

/** Why a message is refused, and the status that says so when it is a request. For a response only the reason counts. */
export interface Fault {
  readonly status: 400 | 408 | 413 | 414 | 417 | 431 | 501 | 505;
  readonly reason: FaultReason;
}

/** A fault; 400 unless another status says it better. */
export function fault(reason: FaultReason, status: Fault['status'] = 400): Fault {
  return { status, reason };
}

/** Tells a fault from a head that was read. */
export function isFault(result: object): result is Fault {
  return !('fields' in result) && 'reason' in result;
}
