/**
 * UPN_DNS_INFO: the client's user principal name and domain, and since 2021 its account name and SID (MS-PAC 2.10).
 *
 * @module
 */
import { PacError } from './pac-buffers.ts';
import { sidFromBytes } from './sid.ts';
import { decodeUtf16 } from './utf16.ts';

/** Each field is there when the buffer has it and it is not empty. */
export interface PacUpnDnsInfo {
  readonly upn?: string;
  /** DNS name of the account's domain, as the KDC spells it (upper case at Windows). */
  readonly dnsDomain?: string;
  /** sAMAccountName. */
  readonly samName?: string;
  /** The account's SID, as text. */
  readonly sid?: string;
}

const extended = 0x02; // flag S: sAMAccountName and SID follow
const headerBytes = 12;
const extendedHeaderBytes = 20;

/** Decodes the buffer. Throws `PacError` or `SidError`. */
export function readUpnDnsInfo(bytes: Uint8Array): PacUpnDnsInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < headerBytes) throw new PacError('UPN_DNS_INFO is cut short');
  const isExtended = (view.getUint32(8, true) & extended) !== 0;
  const bodyStart = isExtended ? extendedHeaderBytes : headerBytes;
  if (bytes.length < bodyStart) throw new PacError('UPN_DNS_INFO is cut short');

  /** What the pair of length and offset at `at` refers to; `undefined` when empty. */
  const referred = (at: number): Uint8Array | undefined => {
    const length = view.getUint16(at, true);
    const offset = view.getUint16(at + 2, true);
    if (length === 0) return undefined;
    if (offset < bodyStart || offset + length > bytes.length) throw new PacError('UPN_DNS_INFO points outside itself');
    return bytes.subarray(offset, offset + length);
  };
  const text = (at: number): string | undefined => {
    const value = referred(at);
    if (value === undefined) return undefined;
    const decoded = decodeUtf16(value);
    if (decoded === undefined) throw new PacError('UPN_DNS_INFO has text that is not UTF-16');
    return decoded;
  };

  const upn = text(0);
  const dnsDomain = text(4);
  const samName = isExtended ? text(12) : undefined;
  const sid = isExtended ? referred(16) : undefined;
  return {
    ...(upn !== undefined && { upn }),
    ...(dnsDomain !== undefined && { dnsDomain }),
    ...(samName !== undefined && { samName }),
    ...(sid !== undefined && { sid: sidFromBytes(sid) }),
  };
}
