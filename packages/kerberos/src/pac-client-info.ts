/**
 * CLIENT_INFO: which ticket the PAC was made for (PAC_CLIENT_INFO, MS-PAC 2.7).
 *
 * @module
 */
import { PacError } from './pac-buffers.ts';
import { decodeUtf16 } from './utf16.ts';

export interface PacClientInfo {
  /** The client's name without realm. */
  readonly name: string;
  /** The ticket's authtime, in seconds since the epoch. */
  readonly authTime: number;
}

const headerBytes = 10;
const secondsFrom1601To1970 = 11_644_473_600n;

/** Decodes the buffer. Throws `PacError`. */
export function readClientInfo(bytes: Uint8Array): PacClientInfo {
  if (bytes.length < headerBytes) throw new PacError('CLIENT_INFO is cut short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint16(8, true);
  // Padding may follow. It is under the checksum like all the rest.
  if (headerBytes + length > bytes.length) throw new PacError('the name in CLIENT_INFO is cut short');
  const name = decodeUtf16(bytes.subarray(headerBytes, headerBytes + length));
  if (name === undefined) throw new PacError('the name in CLIENT_INFO is not UTF-16');
  const since1601 = view.getBigUint64(0, true) / 10_000_000n; // from units of 100 ns; tickets have whole seconds
  return { name, authTime: Number(since1601 - secondsFrom1601To1970) };
}
