import { context, DerReader, Tag } from '../der.ts';
import { encodeInteger, encodeOctets, field, readInt32, readList, readOctets, sequence } from './primitives.ts';

/** A ticket of Active Directory has one element, which holds one or two. */
const mostElements = 64;

/** One element of AuthorizationData (RFC 4120, 5.2.6). */
export interface AuthorizationElement {
  readonly type: number;
  readonly data: Uint8Array;
}

// AuthorizationData ::= SEQUENCE OF SEQUENCE { ad-type [0] Int32, ad-data [1] OCTET STRING }
/** Reads one inside another message; throws `DerError`. */
export const readAuthorizationData = (der: DerReader): readonly AuthorizationElement[] =>
  readList(der, 0, mostElements, (list) =>
    list.enter(Tag.sequence, (element) => ({
      type: element.enter(context(0), readInt32),
      data: element.enter(context(1), readOctets),
    })),
  );

/** The inverse of `readAuthorizationData`. */
export const encodeAuthorizationData = (elements: readonly AuthorizationElement[]): Uint8Array =>
  sequence(...elements.map(({ type, data }) => sequence(field(0, encodeInteger(type)), field(1, encodeOctets(data)))));

/** AD-IF-RELEVANT (RFC 4120, 5.2.6.1): the elements inside one element's data. */
export const decodeAuthorizationData = (data: Uint8Array): readonly AuthorizationElement[] =>
  DerReader.decode(data, readAuthorizationData);
