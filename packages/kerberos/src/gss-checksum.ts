/**
 * The "checksum" 0x8003 of the Authenticator, in which GSS-API puts its flags, channel bindings and
 * delegated credentials (RFC 4121, 4.1.1).
 *
 * @module
 */
import { GssError } from './gss.ts';

/** Context flags (RFC 4121, 4.1.1.1; RFC 4757, 7.1 for the last three). */
export const GssFlag = {
  delegation: 0x01,
  mutual: 0x02,
  replay: 0x04,
  sequence: 0x08,
  confidentiality: 0x10,
  integrity: 0x20,
  dceStyle: 0x1000,
  identify: 0x2000,
  extendedError: 0x4000,
} as const;

/** What the checksum field says. All bytes are views. */
export interface GssChecksum {
  /** Bnd, 16 bytes; all zero when the client sent no channel bindings. */
  readonly bindings: Uint8Array;
  readonly flags: number;
  /** A KRB-CRED, found by its length and not looked at; it is there exactly when the flag `delegation` is. */
  readonly delegation?: Uint8Array;
  readonly extensions: readonly GssExtension[];
}

/** One of Exts (RFC 6542, 3). Types that are not known are to be ignored. */
export interface GssExtension {
  readonly type: number;
  readonly data: Uint8Array;
}

const bindingBytes = 16;
const delegationOption = 1;
const fixedBytes = 4 + bindingBytes + 4;

/** Reads the bytes of a checksum of type 0x8003. Throws `GssError` with the code `gss-checksum`. */
export function readGssChecksum(bytes: Uint8Array): GssChecksum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < fixedBytes) throw malformed('shorter than its fixed part');
  if (view.getUint32(0, true) !== bindingBytes) throw malformed('length of its channel bindings is not 16');
  const flags = view.getUint32(4 + bindingBytes, true);
  const delegation = (flags & GssFlag.delegation) === 0 ? undefined : readDelegation(bytes, view);
  return {
    bindings: bytes.subarray(4, 4 + bindingBytes),
    flags,
    ...(delegation && { delegation }),
    extensions: readExtensions(bytes, view, delegation ? fixedBytes + 4 + delegation.length : fixedBytes),
  };
}

function readDelegation(bytes: Uint8Array, view: DataView): Uint8Array {
  if (bytes.length < fixedBytes + 4) throw malformed('delegation is announced but not there');
  if (view.getUint16(fixedBytes, true) !== delegationOption) throw malformed('delegation option is not 1');
  const start = fixedBytes + 4;
  const end = start + view.getUint16(fixedBytes + 2, true);
  if (end > bytes.length) throw malformed('delegated credential is longer than the checksum');
  return bytes.subarray(start, end);
}

function readExtensions(bytes: Uint8Array, view: DataView, start: number): readonly GssExtension[] {
  const extensions: GssExtension[] = [];
  for (let at = start; at < bytes.length; ) {
    if (bytes.length - at < 8) throw malformed('extension is cut short');
    const length = view.getUint32(at + 4); // RFC 6542, 3: big-endian, unlike everything before
    const end = at + 8 + length;
    if (end > bytes.length) throw malformed('extension is longer than the checksum');
    extensions.push({ type: view.getUint32(at), data: bytes.subarray(at + 8, end) });
    at = end;
  }
  return extensions;
}

/** The inverse of `readGssChecksum`. The flag `delegation` must agree with the field. */
export function encodeGssChecksum({ bindings, flags, delegation, extensions }: GssChecksum): Uint8Array {
  const fixed = new Uint8Array(fixedBytes);
  const view = new DataView(fixed.buffer);
  view.setUint32(0, bindingBytes, true);
  fixed.set(bindings, 4);
  view.setUint32(4 + bindingBytes, flags, true);
  const parts: Uint8Array[] = [fixed];
  if (delegation) {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint16(0, delegationOption, true);
    new DataView(header.buffer).setUint16(2, delegation.length, true);
    parts.push(header, delegation);
  }
  for (const { type, data } of extensions) {
    const header = new Uint8Array(8);
    new DataView(header.buffer).setUint32(0, type);
    new DataView(header.buffer).setUint32(4, data.length);
    parts.push(header, data);
  }
  return Buffer.concat(parts);
}

const malformed = (why: string): GssError => new GssError(`checksum 0x8003: ${why}`, 'gss-checksum');
