/** FIN and the opcode of a Close frame (RFC 6455, 5.2). */
const FIN_CLOSE = 0x88;
const MASKED = 0x80;
/** What a control frame may carry, less the code (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 123;

/**
 * A Close frame (RFC 6455, 5.5.1). A server's has no mask, a client's must have one of four random bytes. A reason that
 * is too long is cut between two characters. Throws for a code that must not be sent (RFC 6455, 7.4).
 */
export function closeFrame(code: number, reason: string, mask?: Uint8Array): Buffer {
  if (!isSendable(code)) throw new RangeError(`Cannot close a WebSocket: ${code} is not a code that may be sent`);
  const text = cut(Buffer.from(reason, 'utf8'));
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, 2);
  if (mask === undefined) return Buffer.concat([Buffer.of(FIN_CLOSE, payload.length), payload]);
  if (mask.length !== 4) throw new RangeError('Cannot close a WebSocket: a mask has four bytes');
  for (const [at, byte] of payload.entries()) payload[at] = byte ^ (mask[at % 4] as number);
  return Buffer.concat([Buffer.of(FIN_CLOSE, MASKED | payload.length), mask, payload]);
}

/** Registered and private codes; 1005, 1006 and 1015 only exist in interfaces, 1004 is reserved. */
function isSendable(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

/** At most as many bytes as fit, and no torn character: continuation bytes are 10xxxxxx. */
function cut(text: Buffer): Buffer {
  if (text.length <= MAX_REASON_BYTES) return text;
  let end = MAX_REASON_BYTES;
  while (((text[end] as number) & 0xc0) === 0x80) end--;
  return text.subarray(0, end);
}
