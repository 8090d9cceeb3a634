import { application, context, DerReader, encodeTlv, Tag } from '../der.ts';
import { ApplicationTag } from '../numbers.ts';
import { type EncryptedData, encodeEncryptedData, readEncryptedData } from './encrypted-data.ts';
import {
  encodeFlags,
  encodeInteger,
  expectInteger,
  field,
  type KerberosFlags,
  readFlags,
  sequence,
} from './primitives.ts';
import { encodeTicket, readTicket, type Ticket } from './ticket.ts';

/** AP-REQ (RFC 4120, 5.5.1). */
export interface ApReq {
  readonly options: KerberosFlags;
  readonly ticket: Ticket;
  readonly authenticator: EncryptedData;
}

// AP-REQ ::= [APPLICATION 14] SEQUENCE { pvno [0], msg-type [1], ap-options [2], ticket [3], authenticator [4] }
/** Reads an AP-REQ; throws `DerError`. */
export const readApReq = (bytes: Uint8Array): ApReq =>
  DerReader.decode(bytes, (der) =>
    der.enter(application(ApplicationTag.apReq), (message) =>
      message.enter(Tag.sequence, (request) => {
        request.enter(context(0), (version) => expectInteger(version, 5, 'pvno'));
        request.enter(context(1), (type) => expectInteger(type, 14, 'msg-type'));
        return {
          options: request.enter(context(2), readFlags),
          ticket: request.enter(context(3), readTicket),
          authenticator: request.enter(context(4), readEncryptedData),
        };
      }),
    ),
  );

/** The inverse of `readApReq`. */
export const encodeApReq = ({ options, ticket, authenticator }: ApReq): Uint8Array =>
  encodeTlv(
    application(ApplicationTag.apReq),
    sequence(
      field(0, encodeInteger(5)),
      field(1, encodeInteger(14)),
      field(2, encodeFlags(options)),
      field(3, encodeTicket(ticket)),
      field(4, encodeEncryptedData(authenticator)),
    ),
  );
