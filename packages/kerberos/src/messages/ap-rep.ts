import { application, context, DerReader, encodeTlv, Tag } from '../der.ts';
import { ApplicationTag } from '../numbers.ts';
import {
  type EncryptedData,
  type EncryptionKey,
  encodeEncryptedData,
  encodeEncryptionKey,
  readEncryptedData,
  readEncryptionKey,
} from './encrypted-data.ts';
import {
  encodeInteger,
  encodeKerberosTime,
  expectInteger,
  field,
  optionalField,
  readKerberosTime,
  readMicroseconds,
  readUInt32,
  sequence,
} from './primitives.ts';

// AP-REP ::= [APPLICATION 15] SEQUENCE { pvno [0], msg-type [1], enc-part [2] }
/** Reads an AP-REP (RFC 4120, 5.5.2), whose encrypted part is all it has; throws `DerError`. */
export const readApRep = (bytes: Uint8Array): EncryptedData =>
  DerReader.decode(bytes, (der) =>
    der.enter(application(ApplicationTag.apRep), (message) =>
      message.enter(Tag.sequence, (reply) => {
        reply.enter(context(0), (version) => expectInteger(version, 5, 'pvno'));
        reply.enter(context(1), (type) => expectInteger(type, 15, 'msg-type'));
        return reply.enter(context(2), readEncryptedData);
      }),
    ),
  );

/** The inverse of `readApRep`. */
export const encodeApRep = (encrypted: EncryptedData): Uint8Array =>
  encodeTlv(
    application(ApplicationTag.apRep),
    sequence(field(0, encodeInteger(5)), field(1, encodeInteger(15)), field(2, encodeEncryptedData(encrypted))),
  );

/** EncAPRepPart (RFC 4120, 5.5.2): `ctime` and `cusec` are the client's, given back. */
export interface EncApRepPart {
  readonly ctime: number;
  readonly cusec: number;
  readonly subkey?: EncryptionKey | undefined;
  readonly sequenceNumber?: number | undefined;
}

// EncAPRepPart ::= [APPLICATION 27] SEQUENCE { ctime [0], cusec [1], subkey [2] OPTIONAL, seq-number [3] OPTIONAL }
/** Reads the decrypted part of an AP-REP; throws `DerError`. */
export const readEncApRepPart = (bytes: Uint8Array): EncApRepPart =>
  DerReader.decode(bytes, (der) =>
    der.enter(application(ApplicationTag.encApRepPart), (message) =>
      message.enter(Tag.sequence, (part) => ({
        ctime: part.enter(context(0), readKerberosTime),
        cusec: part.enter(context(1), readMicroseconds),
        subkey: part.optional(context(2), readEncryptionKey),
        sequenceNumber: part.optional(context(3), readUInt32),
      })),
    ),
  );

/** The inverse of `readEncApRepPart`. */
export const encodeEncApRepPart = ({ ctime, cusec, subkey, sequenceNumber }: EncApRepPart): Uint8Array =>
  encodeTlv(
    application(ApplicationTag.encApRepPart),
    sequence(
      field(0, encodeKerberosTime(ctime)),
      field(1, encodeInteger(cusec)),
      optionalField(2, subkey, encodeEncryptionKey),
      optionalField(3, sequenceNumber, encodeInteger),
    ),
  );
