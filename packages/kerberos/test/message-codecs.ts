/**
 * Every message's reader and writer, as one function that gives back the bytes of what it read.
 *
 * @module
 */

import { encodeApRep, encodeEncApRepPart, readApRep, readEncApRepPart } from '../src/messages/ap-rep.ts';
import { encodeApReq, readApReq } from '../src/messages/ap-req.ts';
import { encodeAuthenticator, readAuthenticator } from '../src/messages/authenticator.ts';
import { decodeAuthorizationData, encodeAuthorizationData } from '../src/messages/authorization-data.ts';
import { encodeKrbError, readKrbError } from '../src/messages/krb-error.ts';
import { encodeEncTicketPart, readEncTicketPart } from '../src/messages/ticket.ts';
import type { VectorName } from './message-vectors.ts';

const authenticator = (bytes: Uint8Array): Uint8Array => encodeAuthenticator(readAuthenticator(bytes));
const encTicketPart = (bytes: Uint8Array): Uint8Array => encodeEncTicketPart(readEncTicketPart(bytes));
const encApRepPart = (bytes: Uint8Array): Uint8Array => encodeEncApRepPart(readEncApRepPart(bytes));
const krbError = (bytes: Uint8Array): Uint8Array => encodeKrbError(readKrbError(bytes));

/** By vector: decode, and encode again. Throws what the reader throws. */
export const recode: Readonly<Record<VectorName, (bytes: Uint8Array) => Uint8Array>> = {
  encode_krb5_authenticator: authenticator,
  'encode_krb5_authenticator(optionals NULL)': authenticator,
  encode_krb5_enc_tkt_part: encTicketPart,
  'encode_krb5_enc_tkt_part(optionals NULL)': encTicketPart,
  encode_krb5_ap_req: (bytes) => encodeApReq(readApReq(bytes)),
  encode_krb5_ap_rep: (bytes) => encodeApRep(readApRep(bytes)),
  encode_krb5_ap_rep_enc_part: encApRepPart,
  'encode_krb5_ap_rep_enc_part(optionals NULL)': encApRepPart,
  encode_krb5_error: krbError,
  'encode_krb5_error(optionals NULL)': krbError,
  encode_krb5_authorization_data: (bytes) => encodeAuthorizationData(decodeAuthorizationData(bytes)),
};
