import { application, context, DerReader, encodeTlv, Tag } from '../der.ts';
import { ApplicationTag } from '../numbers.ts';
import { type AuthorizationElement, encodeAuthorizationData, readAuthorizationData } from './authorization-data.ts';
import {
  type EncryptedData,
  type EncryptionKey,
  encodeEncryptedData,
  encodeEncryptionKey,
  readEncryptedData,
  readEncryptionKey,
} from './encrypted-data.ts';
import {
  encodeFlags,
  encodeInteger,
  encodeKerberosString,
  encodeKerberosTime,
  encodeOctets,
  expectInteger,
  field,
  type KerberosFlags,
  optionalField,
  readFlags,
  readInt32,
  readKerberosTime,
  readList,
  readOctets,
  readRealm,
  sequence,
} from './primitives.ts';
import { encodePrincipalName, type PrincipalName, readPrincipalName } from './principal-name.ts';

const mostAddresses = 64;

/** Ticket (RFC 4120, 5.3). `realm` and `service` are in the clear: anybody on the way can change them. */
export interface Ticket {
  readonly realm: string;
  readonly service: PrincipalName;
  readonly encrypted: EncryptedData;
}

// Ticket ::= [APPLICATION 1] SEQUENCE { tkt-vno [0], realm [1], sname [2], enc-part [3] }
/** Reads one inside another message; throws `DerError`. */
export function readTicket(der: DerReader): Ticket {
  return der.enter(application(ApplicationTag.ticket), (message) =>
    message.enter(Tag.sequence, (ticket) => {
      ticket.enter(context(0), (version) => expectInteger(version, 5, 'tkt-vno'));
      return {
        realm: ticket.enter(context(1), readRealm),
        service: ticket.enter(context(2), readPrincipalName),
        encrypted: ticket.enter(context(3), readEncryptedData),
      };
    }),
  );
}

/** The inverse of `readTicket`. */
export const encodeTicket = ({ realm, service, encrypted }: Ticket): Uint8Array =>
  encodeTlv(
    application(ApplicationTag.ticket),
    sequence(
      field(0, encodeInteger(5)),
      field(1, encodeKerberosString(realm)),
      field(2, encodePrincipalName(service)),
      field(3, encodeEncryptedData(encrypted)),
    ),
  );

/** TransitedEncoding (RFC 4120, 5.3 and 3.3.3.2). */
export interface TransitedEncoding {
  readonly type: number;
  readonly contents: Uint8Array;
}

/** HostAddress (RFC 4120, 5.2.5). Read so that the ticket can be read; nothing decides by it. */
export interface HostAddress {
  readonly type: number;
  readonly address: Uint8Array;
}

/** EncTicketPart (RFC 4120, 5.3): what the KDC says about the client. Times are in ms since the epoch. */
export interface EncTicketPart {
  readonly flags: KerberosFlags;
  readonly key: EncryptionKey;
  readonly clientRealm: string;
  readonly client: PrincipalName;
  readonly transited: TransitedEncoding;
  readonly authTime: number;
  readonly startTime?: number | undefined;
  readonly endTime: number;
  readonly renewTill?: number | undefined;
  readonly addresses?: readonly HostAddress[] | undefined;
  readonly authorizationData?: readonly AuthorizationElement[] | undefined;
}

const readTransited = (der: DerReader): TransitedEncoding =>
  der.enter(Tag.sequence, (transited) => ({
    type: transited.enter(context(0), readInt32),
    contents: transited.enter(context(1), readOctets),
  }));

const readAddresses = (der: DerReader): readonly HostAddress[] =>
  readList(der, 0, mostAddresses, (list) =>
    list.enter(Tag.sequence, (host) => ({
      type: host.enter(context(0), readInt32),
      address: host.enter(context(1), readOctets),
    })),
  );

const encodeTyped = (type: number, bytes: Uint8Array): Uint8Array =>
  sequence(field(0, encodeInteger(type)), field(1, encodeOctets(bytes)));

/** Reads the decrypted part of a ticket; throws `DerError`. */
export const readEncTicketPart = (bytes: Uint8Array): EncTicketPart =>
  DerReader.decode(bytes, (der) =>
    der.enter(application(ApplicationTag.encTicketPart), (message) =>
      message.enter(Tag.sequence, (part) => ({
        flags: part.enter(context(0), readFlags),
        key: part.enter(context(1), readEncryptionKey),
        clientRealm: part.enter(context(2), readRealm),
        client: part.enter(context(3), readPrincipalName),
        transited: part.enter(context(4), readTransited),
        authTime: part.enter(context(5), readKerberosTime),
        startTime: part.optional(context(6), readKerberosTime),
        endTime: part.enter(context(7), readKerberosTime),
        renewTill: part.optional(context(8), readKerberosTime),
        addresses: part.optional(context(9), readAddresses),
        authorizationData: part.optional(context(10), readAuthorizationData),
      })),
    ),
  );

/** The inverse of `readEncTicketPart`. */
export const encodeEncTicketPart = (part: EncTicketPart): Uint8Array =>
  encodeTlv(
    application(ApplicationTag.encTicketPart),
    sequence(
      field(0, encodeFlags(part.flags)),
      field(1, encodeEncryptionKey(part.key)),
      field(2, encodeKerberosString(part.clientRealm)),
      field(3, encodePrincipalName(part.client)),
      field(4, encodeTyped(part.transited.type, part.transited.contents)),
      field(5, encodeKerberosTime(part.authTime)),
      optionalField(6, part.startTime, encodeKerberosTime),
      field(7, encodeKerberosTime(part.endTime)),
      optionalField(8, part.renewTill, encodeKerberosTime),
      optionalField(9, part.addresses, (hosts) => sequence(...hosts.map((h) => encodeTyped(h.type, h.address)))),
      optionalField(10, part.authorizationData, encodeAuthorizationData),
    ),
  );
