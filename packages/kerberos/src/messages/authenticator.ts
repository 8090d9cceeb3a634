import { application, context, DerReader, encodeTlv, Tag } from '../der.ts';
import { ApplicationTag } from '../numbers.ts';
import { type AuthorizationElement, encodeAuthorizationData, readAuthorizationData } from './authorization-data.ts';
import {
  type Checksum,
  type EncryptionKey,
  encodeChecksum,
  encodeEncryptionKey,
  readChecksum,
  readEncryptionKey,
} from './encrypted-data.ts';
import {
  encodeInteger,
  encodeKerberosString,
  encodeKerberosTime,
  expectInteger,
  field,
  optionalField,
  readKerberosTime,
  readMicroseconds,
  readRealm,
  readUInt32,
  sequence,
} from './primitives.ts';
import { encodePrincipalName, type PrincipalName, readPrincipalName } from './principal-name.ts';

/** Authenticator (RFC 4120, 5.5.1), decrypted. */
export interface Authenticator {
  readonly clientRealm: string;
  readonly client: PrincipalName;
  readonly checksum?: Checksum | undefined;
  /** Microseconds, which `ctime` cannot hold. */
  readonly cusec: number;
  /** The client's clock, whole seconds, in ms since the epoch. */
  readonly ctime: number;
  readonly subkey?: EncryptionKey | undefined;
  readonly sequenceNumber?: number | undefined;
  readonly authorizationData?: readonly AuthorizationElement[] | undefined;
}

// Authenticator ::= [APPLICATION 2] SEQUENCE { authenticator-vno [0], crealm [1], cname [2], cksum [3] OPTIONAL,
//   cusec [4], ctime [5], subkey [6] OPTIONAL, seq-number [7] OPTIONAL, authorization-data [8] OPTIONAL }
/** Reads a decrypted authenticator; throws `DerError`. */
export const readAuthenticator = (bytes: Uint8Array): Authenticator =>
  DerReader.decode(bytes, (der) =>
    der.enter(application(ApplicationTag.authenticator), (message) =>
      message.enter(Tag.sequence, (part) => {
        part.enter(context(0), (version) => expectInteger(version, 5, 'authenticator-vno'));
        return {
          clientRealm: part.enter(context(1), readRealm),
          client: part.enter(context(2), readPrincipalName),
          checksum: part.optional(context(3), readChecksum),
          cusec: part.enter(context(4), readMicroseconds),
          ctime: part.enter(context(5), readKerberosTime),
          subkey: part.optional(context(6), readEncryptionKey),
          sequenceNumber: part.optional(context(7), readUInt32),
          authorizationData: part.optional(context(8), readAuthorizationData),
        };
      }),
    ),
  );

/** The inverse of `readAuthenticator`. */
export const encodeAuthenticator = (part: Authenticator): Uint8Array =>
  encodeTlv(
    application(ApplicationTag.authenticator),
    sequence(
      field(0, encodeInteger(5)),
      field(1, encodeKerberosString(part.clientRealm)),
      field(2, encodePrincipalName(part.client)),
      optionalField(3, part.checksum, encodeChecksum),
      field(4, encodeInteger(part.cusec)),
      field(5, encodeKerberosTime(part.ctime)),
      optionalField(6, part.subkey, encodeEncryptionKey),
      optionalField(7, part.sequenceNumber, encodeInteger),
      optionalField(8, part.authorizationData, encodeAuthorizationData),
    ),
  );
