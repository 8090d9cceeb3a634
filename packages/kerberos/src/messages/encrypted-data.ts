import { context, type DerReader, Tag } from '../der.ts';
import {
  encodeInteger,
  encodeOctets,
  field,
  optionalField,
  readInt32,
  readOctets,
  readUInt32,
  sequence,
} from './primitives.ts';

/** EncryptedData (RFC 4120, 5.2.9). Only `cipher` is protected: `etype` and `kvno` are what the sender says. */
export interface EncryptedData {
  readonly etype: number;
  readonly kvno?: number | undefined;
  readonly cipher: Uint8Array;
}

// EncryptedData ::= SEQUENCE { etype [0] Int32, kvno [1] UInt32 OPTIONAL, cipher [2] OCTET STRING }
/** Reads one inside another message; throws `DerError`. */
export function readEncryptedData(der: DerReader): EncryptedData {
  return der.enter(Tag.sequence, (data) => ({
    etype: data.enter(context(0), readInt32),
    kvno: data.optional(context(1), readUInt32),
    cipher: data.enter(context(2), readOctets),
  }));
}

/** The inverse of `readEncryptedData`. */
export const encodeEncryptedData = ({ etype, kvno, cipher }: EncryptedData): Uint8Array =>
  sequence(field(0, encodeInteger(etype)), optionalField(1, kvno, encodeInteger), field(2, encodeOctets(cipher)));

/** EncryptionKey (RFC 4120, 5.2.9). Secret. */
export interface EncryptionKey {
  readonly etype: number;
  readonly value: Uint8Array;
}

// EncryptionKey ::= SEQUENCE { keytype [0] Int32, keyvalue [1] OCTET STRING }
/** Reads one inside another message; throws `DerError`. */
export function readEncryptionKey(der: DerReader): EncryptionKey {
  return der.enter(Tag.sequence, (key) => ({
    etype: key.enter(context(0), readInt32),
    value: key.enter(context(1), readOctets),
  }));
}

/** The inverse of `readEncryptionKey`. */
export const encodeEncryptionKey = ({ etype, value }: EncryptionKey): Uint8Array =>
  sequence(field(0, encodeInteger(etype)), field(1, encodeOctets(value)));

/** Checksum (RFC 4120, 5.2.9). */
export interface Checksum {
  readonly type: number;
  readonly bytes: Uint8Array;
}

// Checksum ::= SEQUENCE { cksumtype [0] Int32, checksum [1] OCTET STRING }
/** Reads one inside another message; throws `DerError`. */
export function readChecksum(der: DerReader): Checksum {
  return der.enter(Tag.sequence, (checksum) => ({
    type: checksum.enter(context(0), readInt32),
    bytes: checksum.enter(context(1), readOctets),
  }));
}

/** The inverse of `readChecksum`. */
export const encodeChecksum = ({ type, bytes }: Checksum): Uint8Array =>
  sequence(field(0, encodeInteger(type)), field(1, encodeOctets(bytes)));
