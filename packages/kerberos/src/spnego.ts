/**
 * SPNEGO (RFC 4178) as an acceptor needs it, with the variant that Windows sends (MS-SPNG 2.2.1).
 *
 * Strict DER. Fields that are not known are kept as bytes and otherwise ignored, as RFC 4178, 6
 * demands, if they come after the known ones and in the order of their tags.
 *
 * @module
 */
import { context, DerReader, encodeTlv, Tag } from './der.ts';
import { encodeInitialContextToken, encodeMech, GssError, isKrb5Mech, readInitialContextToken } from './gss.ts';
import { MechOid } from './numbers.ts';
import { decodeOid } from './oid.ts';

/** NegTokenInit (RFC 4178, 4.2.1) or NegTokenInit2 (MS-SPNG 2.2.1). All bytes are views. */
export interface NegTokenInit {
  /** Dotted, the client's favourite first; at least one, at most 32. Those not known here are kept. */
  readonly mechTypes: readonly string[];
  /** Contents of the BIT STRING. Not protected by anything; the acceptor must ignore it. */
  readonly reqFlags?: Uint8Array;
  /** The optimistic token, for the first of `mechTypes`. */
  readonly mechToken?: Uint8Array;
  /** Contents of Microsoft's NegHints, which nobody here interprets. */
  readonly negHints?: Uint8Array;
  readonly mechListMIC?: Uint8Array;
  /** Later fields, element by element as they came. */
  readonly unknownFields?: Uint8Array;
}

/** A client's first token. All bytes are views. */
export type InitialToken =
  | (NegTokenInit & {
      readonly kind: 'spnego';
      /** The DER of MechTypeList as received: what a mechListMIC covers (RFC 4178, 5 a). */
      readonly mechTypeListDer: Uint8Array;
    })
  /** Kerberos without SPNEGO. `token` is the whole token, for `readKrb5Token`. */
  | { readonly kind: 'krb5'; readonly token: Uint8Array }
  /** NTLMSSP without SPNEGO (MS-NLMP 2.2.1). */
  | { readonly kind: 'ntlm' };

const maxMechTypes = 32;
const ntlmSignature = Buffer.from('NTLMSSP\0', 'latin1');

/** Reads whatever a client may begin with. Throws `DerError` or `GssError`. */
export function readInitialToken(bytes: Uint8Array): InitialToken {
  if (ntlmSignature.equals(bytes.subarray(0, ntlmSignature.length))) return { kind: 'ntlm' };
  const { mech, inner } = readInitialContextToken(bytes);
  if (isKrb5Mech(mech)) return { kind: 'krb5', token: bytes };
  if (mech !== MechOid.spnego) throw new GssError('its mechanism is not spoken here', 'mechanism-unsupported');
  return DerReader.decode(inner, (der) =>
    der.enter(context(0), (choice) =>
      choice.enter(Tag.sequence, (fields) => ({ kind: 'spnego', ...negTokenInit(fields) })),
    ),
  );
}

function negTokenInit(fields: DerReader): NegTokenInit & { readonly mechTypeListDer: Uint8Array } {
  const mechTypeListDer = fields.enter(context(0), (field) => field.element());
  const mechTypes = DerReader.decode(mechTypeListDer, (der) => der.enter(Tag.sequence, mechTypeList));
  const reqFlags = fields.optional(context(1), readBitString);
  const mechToken = fields.optional(context(2), readOctets);
  // [3] is mechListMIC in the RFC and negHints at Microsoft; what is inside tells them apart.
  const third = fields.optional(context(3), (field) =>
    field.peek() === Tag.sequence
      ? { negHints: field.contents(Tag.sequence) }
      : { mechListMIC: field.contents(Tag.octetString) },
  );
  const fourth = third?.negHints ? fields.optional(context(4), readOctets) : undefined;
  const unknownFields = laterFields(fields, third?.negHints ? 4 : 3);
  return {
    mechTypes,
    mechTypeListDer,
    ...(reqFlags && { reqFlags }),
    ...(mechToken && { mechToken }),
    ...third,
    ...(fourth && { mechListMIC: fourth }),
    ...(unknownFields && { unknownFields }),
  };
}

function mechTypeList(list: DerReader): readonly string[] {
  const mechTypes: string[] = [];
  while (list.peek() !== undefined) {
    if (mechTypes.length === maxMechTypes) throw new GssError('it lists more than 32 mechanisms');
    mechTypes.push(decodeOid(list.contents(Tag.oid)));
  }
  if (mechTypes.length === 0) throw new GssError('it lists no mechanism');
  return mechTypes;
}

/** The inverse of `readInitialToken` for SPNEGO, frame included. */
export function encodeNegTokenInit(token: NegTokenInit): Uint8Array {
  const mic = token.mechListMIC;
  const body = encodeTlv(
    Tag.sequence,
    encodeTlv(context(0), encodeMechTypeList(token.mechTypes)),
    field(1, Tag.bitString, token.reqFlags),
    field(2, Tag.octetString, token.mechToken),
    field(3, Tag.sequence, token.negHints),
    field(token.negHints ? 4 : 3, Tag.octetString, mic),
    token.unknownFields ?? none,
  );
  return encodeInitialContextToken(MechOid.spnego, encodeTlv(context(0), body));
}

/** MechTypeList on its own: what a client computes its mechListMIC over (RFC 4178, 5 a). */
export const encodeMechTypeList = (mechTypes: readonly string[]): Uint8Array =>
  encodeTlv(Tag.sequence, ...mechTypes.map((mech) => encodeTlv(Tag.oid, encodeMech(mech))));

/** In the order of their numbers (RFC 4178, 4.2.2). */
const negStates = ['accept-completed', 'accept-incomplete', 'reject', 'request-mic'] as const;
export type NegState = (typeof negStates)[number];

/** NegTokenResp (RFC 4178, 4.2.2): every token but the first, in both directions. Bytes are views. */
export interface NegTokenResp {
  readonly negState?: NegState;
  readonly supportedMech?: string;
  readonly responseToken?: Uint8Array;
  readonly mechListMIC?: Uint8Array;
  /** Later fields, element by element as they came. */
  readonly unknownFields?: Uint8Array;
}

/** Whether a token begins as a NegTokenResp does, which has no frame around it (RFC 4178, 4.2). */
export const isNegTokenResp = (bytes: Uint8Array): boolean => bytes[0] === context(1);

/** Reads a client's later leg. Throws `DerError` or `GssError`. */
export function readNegTokenResp(bytes: Uint8Array): NegTokenResp {
  return DerReader.decode(bytes, (der) =>
    der.enter(context(1), (choice) =>
      choice.enter(Tag.sequence, (fields) => {
        const negState = fields.optional(context(0), readNegState);
        const supportedMech = fields.optional(context(1), (value) => decodeOid(value.contents(Tag.oid)));
        const responseToken = fields.optional(context(2), readOctets);
        const mechListMIC = fields.optional(context(3), readOctets);
        const unknownFields = laterFields(fields, 3);
        return {
          ...(negState && { negState }),
          ...(supportedMech && { supportedMech }),
          ...(responseToken && { responseToken }),
          ...(mechListMIC && { mechListMIC }),
          ...(unknownFields && { unknownFields }),
        };
      }),
    ),
  );
}

/** The inverse of `readNegTokenResp`. */
export function encodeNegTokenResp(token: NegTokenResp): Uint8Array {
  const state = token.negState && Uint8Array.of(negStates.indexOf(token.negState));
  const mech = token.supportedMech === undefined ? undefined : encodeMech(token.supportedMech);
  return encodeTlv(
    context(1),
    encodeTlv(
      Tag.sequence,
      field(0, Tag.enumerated, state),
      field(1, Tag.oid, mech),
      field(2, Tag.octetString, token.responseToken),
      field(3, Tag.octetString, token.mechListMIC),
      token.unknownFields ?? none,
    ),
  );
}

/**
 * Must MICs of the mechanism list be exchanged? RFC 4178, 5: not when the mechanism chosen is the
 * first choice of both sides, always otherwise. Ours is Kerberos whatever else is offered, so the
 * client's order alone decides. Windows lists Kerberos under two OIDs and sends no MIC when either
 * of them comes first and the other is chosen, since they name one mechanism (appendix C).
 *
 * A MIC that was sent is verified whether or not this says so (RFC 4178, 5 c II).
 */
export function mechListMicRequired(mechTypes: readonly string[], selected: string): boolean {
  const favourite = mechTypes[0] ?? '';
  return favourite !== selected && !(isKrb5Mech(favourite) && isKrb5Mech(selected));
}

const none = new Uint8Array();

const field = (number: number, tag: number, value: Uint8Array | undefined): Uint8Array =>
  value === undefined ? none : encodeTlv(context(number), encodeTlv(tag, value));

const readOctets = (field: DerReader): Uint8Array => field.contents(Tag.octetString);

function readBitString(field: DerReader): Uint8Array {
  const contents = field.contents(Tag.bitString);
  const unused = contents[0] ?? 8;
  const last = contents.at(-1) ?? 0;
  // X.690 11.2.1 and 8.6.2.3: at most 7 unused bits, all zero, and none where there is no byte to hold them.
  const padding = contents.length === 1 ? unused : last & ((1 << unused) - 1);
  if (unused > 7 || padding !== 0) throw field.error('BIT STRING has wrong padding');
  return contents;
}

function readNegState(field: DerReader): NegState {
  const contents = field.contents(Tag.enumerated);
  const state = contents.length === 1 ? negStates[contents[0] ?? -1] : undefined;
  if (state === undefined) throw field.error('negState is none of the four known');
  return state;
}

/** Elements with context tags above `last`, in rising order; `undefined` when there is none. */
function laterFields(fields: DerReader, last: number): Uint8Array | undefined {
  const elements: Uint8Array[] = [];
  let previous = context(last);
  for (let tag = fields.peek(); tag !== undefined; tag = fields.peek()) {
    if (tag <= previous || tag > context(30)) throw fields.error('unexpected field');
    elements.push(fields.element());
    previous = tag;
  }
  return elements.length === 0 ? undefined : Uint8Array.from(Buffer.concat(elements));
}
