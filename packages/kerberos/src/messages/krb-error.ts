import { application, context, DerReader, encodeTlv, Tag } from '../der.ts';
import { ApplicationTag } from '../numbers.ts';
import {
  encodeInteger,
  encodeKerberosString,
  encodeKerberosTime,
  encodeOctets,
  expectInteger,
  field,
  optionalField,
  readInt32,
  readKerberosString,
  readKerberosTime,
  readMicroseconds,
  readOctets,
  readRealm,
  sequence,
} from './primitives.ts';
import { encodePrincipalName, type PrincipalName, readPrincipalName } from './principal-name.ts';

/** KRB-ERROR (RFC 4120, 5.9.1). It is not protected: the client may act on it, never trust it. */
export interface KrbError {
  readonly ctime?: number | undefined;
  readonly cusec?: number | undefined;
  /** The server's clock, by which a client can correct its own. */
  readonly stime: number;
  readonly susec: number;
  readonly errorCode: number;
  readonly clientRealm?: string | undefined;
  readonly client?: PrincipalName | undefined;
  readonly realm: string;
  readonly service: PrincipalName;
  readonly text?: string | undefined;
  readonly data?: Uint8Array | undefined;
}

// KRB-ERROR ::= [APPLICATION 30] SEQUENCE { pvno [0], msg-type [1], ctime [2] OPTIONAL, cusec [3] OPTIONAL, stime [4],
//   susec [5], error-code [6], crealm [7] OPTIONAL, cname [8] OPTIONAL, realm [9], sname [10], e-text [11] OPTIONAL,
//   e-data [12] OPTIONAL }
/** Reads a KRB-ERROR; throws `DerError`. */
export const readKrbError = (bytes: Uint8Array): KrbError =>
  DerReader.decode(bytes, (der) =>
    der.enter(application(ApplicationTag.krbError), (message) =>
      message.enter(Tag.sequence, (error) => {
        error.enter(context(0), (version) => expectInteger(version, 5, 'pvno'));
        error.enter(context(1), (type) => expectInteger(type, 30, 'msg-type'));
        return {
          ctime: error.optional(context(2), readKerberosTime),
          cusec: error.optional(context(3), readMicroseconds),
          stime: error.enter(context(4), readKerberosTime),
          susec: error.enter(context(5), readMicroseconds),
          errorCode: error.enter(context(6), readInt32),
          clientRealm: error.optional(context(7), readRealm),
          client: error.optional(context(8), readPrincipalName),
          realm: error.enter(context(9), readRealm),
          service: error.enter(context(10), readPrincipalName),
          text: error.optional(context(11), readKerberosString),
          data: error.optional(context(12), readOctets),
        };
      }),
    ),
  );

/** The inverse of `readKrbError`. */
export const encodeKrbError = (error: KrbError): Uint8Array =>
  encodeTlv(
    application(ApplicationTag.krbError),
    sequence(
      field(0, encodeInteger(5)),
      field(1, encodeInteger(30)),
      optionalField(2, error.ctime, encodeKerberosTime),
      optionalField(3, error.cusec, encodeInteger),
      field(4, encodeKerberosTime(error.stime)),
      field(5, encodeInteger(error.susec)),
      field(6, encodeInteger(error.errorCode)),
      optionalField(7, error.clientRealm, encodeKerberosString),
      optionalField(8, error.client, encodePrincipalName),
      field(9, encodeKerberosString(error.realm)),
      field(10, encodePrincipalName(error.service)),
      optionalField(11, error.text, encodeKerberosString),
      optionalField(12, error.data, encodeOctets),
    ),
  );
