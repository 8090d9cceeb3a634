/**
 * A small KDC and a client, for the tests of every package: service tickets of any encryption type with real PACs,
 * AP-REQs in which any field can be bent, SPNEGO around them, and the client's check of what the acceptor answers.
 *
 * @module
 */

import { randomInt } from 'node:crypto';
import { generateKey, importKey, type Key } from '../src/etypes.ts';
import { encodeKrb5Token, readKrb5Token, TokId } from '../src/gss.ts';
import { encodeGssChecksum, GssFlag } from '../src/gss-checksum.ts';
import { Keytab, type KeytabEntry } from '../src/keytab.ts';
import { encodeApReq } from '../src/messages/ap-req.ts';
import { type EncApRepPart, readApRep, readEncApRepPart } from '../src/messages/ap-rep.ts';
import { type Authenticator, encodeAuthenticator } from '../src/messages/authenticator.ts';
import { type AuthorizationElement, encodeAuthorizationData } from '../src/messages/authorization-data.ts';
import type { Checksum } from '../src/messages/encrypted-data.ts';
import { type KrbError, readKrbError } from '../src/messages/krb-error.ts';
import { flagsOf, type KerberosFlags } from '../src/messages/primitives.ts';
import type { PrincipalName } from '../src/messages/principal-name.ts';
import { type EncTicketPart, encodeEncTicketPart, type Ticket } from '../src/messages/ticket.ts';
import { micToken, verifyMicToken } from '../src/mic-token.ts';
import {
  ApOption,
  AuthDataType,
  ChecksumType,
  Etype,
  KeyUsage,
  MechOid,
  NameType,
  TicketFlag,
} from '../src/numbers.ts';
import { encodeNegTokenInit, type NegTokenInit } from '../src/spnego.ts';
import { encodePac, type PacDescription } from './pac-encoder.ts';

/** The realm, the domain and the service that tests use unless they say otherwise. */
export const corp = {
  realm: 'CORP.EXAMPLE',
  domain: 'CORP',
  domainSid: 'S-1-5-21-1004336348-1177238915-682003330',
  service: 'HTTP/app.corp.example',
} as const;

/** `HTTP/app.corp.example` as a name of two components. */
export const principal = (text: string, nameType: number = NameType.srvInst): PrincipalName => ({
  nameType,
  components: text.split('/'),
});

/** A service account: one key for each encryption type, under each of its names, as AD has it. */
export interface Account {
  readonly names: readonly string[];
  readonly realm: string;
  readonly kvno: number;
  readonly entries: readonly KeytabEntry[];
  key(etype: number): Key;
}

/** How an account differs from the ordinary one. */
export interface AccountOptions {
  readonly names?: readonly string[];
  readonly realm?: string;
  readonly etypes?: readonly number[];
  readonly kvno?: number;
}

/** Makes an account with new random keys. */
export function createAccount(options: AccountOptions = {}): Account {
  const { names = [corp.service], realm = corp.realm, kvno = 2 } = options;
  const { etypes = [Etype.aes256CtsHmacSha196, Etype.aes128CtsHmacSha196] } = options;
  const keys = new Map(etypes.map((etype) => [etype, generateKey(etype)]));
  const entries = names.flatMap((name) =>
    [...keys].map(([etype, key]) => ({
      principal: name,
      realm,
      nameType: NameType.srvInst,
      timestamp: 0,
      kvno,
      etype,
      key,
    })),
  );
  const imported = new Map([...keys].map(([etype, key]) => [etype, importKey(etype, key)]));
  return {
    names,
    realm,
    kvno,
    entries,
    key(etype) {
      const key = imported.get(etype);
      if (key === undefined) throw new RangeError(`Cannot issue ticket: the account has no key of etype ${etype}`);
      return key;
    },
  };
}

/** A keytab with the keys of these accounts. */
export const keytabOf = (...accounts: readonly Account[]): Keytab =>
  new Keytab(accounts.flatMap((account) => account.entries));

/** How a ticket differs from alice's ordinary one. */
export interface TicketBend {
  readonly etype?: number;
  readonly sessionEtype?: number;
  /** The key to encrypt with, when it is not the account's. */
  readonly key?: Key;
  /** The part in the clear, after encryption. */
  readonly clear?: Partial<Pick<Ticket, 'realm' | 'service'>>;
  /** The key version that the ticket names; `none` leaves it out. */
  readonly kvno?: number | 'none';
  readonly client?: string;
  /** The encrypted part, field by field. */
  readonly part?: Partial<EncTicketPart>;
  /** `none`, or what is different in it. */
  readonly pac?: 'none' | Partial<PacDescription>;
  /** Changes the finished PAC. */
  readonly spoilPac?: (pac: Uint8Array) => Uint8Array;
  /** Authorization data beside the PAC, outside AD-IF-RELEVANT. */
  readonly authorizationData?: readonly AuthorizationElement[];
  /** Changes the encoded EncTicketPart before it is encrypted. */
  readonly spoil?: (plain: Uint8Array) => Uint8Array;
}

/** A ticket and the session key that the KDC gives the client with it. */
export interface ClientTicket {
  readonly ticket: Ticket;
  readonly part: EncTicketPart;
  readonly sessionKey: Key;
}

const kdcKey = importKey(Etype.aes256CtsHmacSha196, generateKey(Etype.aes256CtsHmacSha196));
const hour = 3_600_000;
const seconds = (ms: number): number => Math.floor(ms / 1000) * 1000;

/** AD-IF-RELEVANT around these elements (RFC 4120, 5.2.6.1). */
export const ifRelevant = (...elements: readonly AuthorizationElement[]): AuthorizationElement => ({
  type: AuthDataType.ifRelevant,
  data: encodeAuthorizationData(elements),
});

/** alice, as the PAC describes her: two groups of the domain, one from elsewhere, one of the resource domain. */
export const alicesPac = (client: string, authTime: number): PacDescription => ({
  clientName: client,
  authTime,
  logon: {
    accountName: client,
    fullName: 'Alice Example',
    domainName: corp.domain,
    domainSid: corp.domainSid,
    userId: 1104,
    groups: [{ rid: 513 }, { rid: 1105 }, { rid: 1106 }],
    extraSids: [{ sid: 'S-1-18-1' }],
    resourceGroups: { domainSid: corp.domainSid, groups: [{ rid: 1200 }] },
  },
  upnDns: {
    upn: `${client}@corp.example`,
    dnsDomain: corp.realm,
    samName: client,
    sid: `${corp.domainSid}-1104`,
  },
  fullChecksum: true,
});

/** Issues a service ticket. */
export function issueTicket(account: Account, now: number, bend: TicketBend = {}): ClientTicket {
  const { etype = Etype.aes256CtsHmacSha196, sessionEtype = etype, client = 'alice' } = bend;
  const key = bend.key ?? account.key(etype);
  const session = generateKey(sessionEtype);
  const authTime = seconds(now) - hour;
  const bare: EncTicketPart = {
    flags: flagsOf(TicketFlag.forwardable, TicketFlag.renewable, TicketFlag.preAuthent),
    key: { etype: sessionEtype, value: session },
    clientRealm: corp.realm,
    client: principal(client, NameType.principal),
    transited: { type: 1, contents: new Uint8Array(0) },
    authTime,
    startTime: authTime,
    endTime: authTime + 10 * hour,
    renewTill: authTime + 7 * 24 * hour,
    ...bend.part,
  };
  const pac =
    bend.pac === 'none'
      ? undefined
      : encodePac({ ...alicesPac(client, bare.authTime), ...bend.pac }, { server: key, kdc: kdcKey });
  const pacElement = pac && ifRelevant({ type: AuthDataType.win2kPac, data: bend.spoilPac?.(pac) ?? pac });
  const authorizationData = [...(pacElement ? [pacElement] : []), ...(bend.authorizationData ?? [])];
  const part = authorizationData.length === 0 ? bare : { ...bare, authorizationData };
  const plain = encodeEncTicketPart(part);
  const cipher = key.encrypt(KeyUsage.ticket, bend.spoil?.(plain) ?? plain);
  const kvno = bend.kvno === 'none' ? undefined : (bend.kvno ?? account.kvno);
  const ticket: Ticket = {
    realm: account.realm,
    service: principal(account.names[0] ?? corp.service),
    encrypted: { etype: key.etype, kvno, cipher },
    ...bend.clear,
  };
  return { ticket, part, sessionKey: importKey(part.key.etype, part.key.value) };
}

/** How an AP-REQ differs from an ordinary one of a GSS-API client. */
export interface RequestBend {
  readonly mutual?: boolean;
  /** GSS flags besides the mutual one. */
  readonly flags?: number;
  /** Bnd; zero bytes unless given. */
  readonly bindings?: Uint8Array;
  /** A delegated credential to carry. */
  readonly delegation?: Uint8Array;
  /** In place of the GSS checksum. */
  readonly checksum?: Checksum | 'none';
  readonly options?: KerberosFlags;
  /** The sub-key's encryption type; the session key's unless given. */
  readonly subkeyEtype?: number | 'none';
  readonly part?: Partial<Authenticator>;
  readonly kvno?: number;
  /** The etype that the EncryptedData names. */
  readonly etype?: number;
  /** Changes the encoded authenticator before it is encrypted. */
  readonly spoil?: (plain: Uint8Array) => Uint8Array;
  readonly mech?: string;
}

/** A token and what its sender remembers of it. */
export interface SentRequest {
  /** The Kerberos token in its GSS frame. */
  readonly token: Uint8Array;
  /** The AP-REQ inside. */
  readonly message: Uint8Array;
  readonly sessionKey: Key;
  /** The sub-key, or else the session key. */
  readonly key: Key;
  readonly sequence: number;
  readonly ctime: number;
  readonly cusec: number;
}

/** Makes an AP-REQ with a new authenticator. */
export function makeRequest(given: ClientTicket, now: number, bend: RequestBend = {}): SentRequest {
  const { sessionKey, part: ticket } = given;
  const { mutual = false, subkeyEtype = sessionKey.etype } = bend;
  const subkey = subkeyEtype === 'none' ? undefined : { etype: subkeyEtype, value: generateKey(subkeyEtype) };
  const gss = encodeGssChecksum({
    bindings: bend.bindings ?? new Uint8Array(16),
    flags:
      (mutual ? GssFlag.mutual : 0) |
      (bend.delegation ? GssFlag.delegation : 0) |
      (bend.flags ?? GssFlag.replay | GssFlag.sequence | GssFlag.integrity),
    extensions: [],
    ...(bend.delegation && { delegation: bend.delegation }),
  });
  const authenticator: Authenticator = {
    clientRealm: ticket.clientRealm,
    client: ticket.client,
    checksum: bend.checksum === 'none' ? undefined : (bend.checksum ?? { type: ChecksumType.gss, bytes: gss }),
    cusec: Math.floor((now - seconds(now)) * 1000),
    ctime: seconds(now),
    subkey,
    sequenceNumber: randomInt(0x40000000),
    ...bend.part,
  };
  const plain = encodeAuthenticator(authenticator);
  const cipher = sessionKey.encrypt(KeyUsage.apReqAuthenticator, bend.spoil?.(plain) ?? plain);
  const message = encodeApReq({
    options: bend.options ?? (mutual ? flagsOf(ApOption.mutualRequired) : flagsOf()),
    ticket: given.ticket,
    authenticator: { etype: bend.etype ?? sessionKey.etype, kvno: bend.kvno, cipher },
  });
  return {
    token: encodeKrb5Token(TokId.apReq, message, bend.mech ?? MechOid.krb5),
    message,
    sessionKey,
    key: subkey === undefined ? sessionKey : importKey(subkey.etype, subkey.value),
    sequence: authenticator.sequenceNumber ?? 0,
    ctime: authenticator.ctime,
    cusec: authenticator.cusec,
  };
}

/** The mechanisms that Windows lists. */
export const windowsMechs: readonly string[] = [MechOid.msKrb5, MechOid.krb5, MechOid.negoex, MechOid.ntlmssp];

/** A NegTokenInit with the request as its optimistic token. */
export const spnego = (
  sent: Pick<SentRequest, 'token'>,
  mechTypes: readonly string[] = [MechOid.krb5],
  more: Partial<NegTokenInit> = {},
): Uint8Array => encodeNegTokenInit({ mechTypes, mechToken: sent.token, ...more });

/** alice's token for the app, in SPNEGO: what `curl --negotiate` sends. */
export function makeToken(
  account: Account,
  now: number,
  bend: { readonly ticket?: TicketBend; readonly request?: RequestBend; readonly mechTypes?: readonly string[] } = {},
): Uint8Array {
  return spnego(makeRequest(issueTicket(account, now, bend.ticket), now, bend.request), bend.mechTypes);
}

/** What a client knows after it checked an AP-REP. */
export interface EstablishedContext {
  readonly part: EncApRepPart;
  readonly key: Key;
}

/** Checks an acceptor's AP-REP token as a client does (RFC 4120, 3.2.5); throws when it is not the answer to `sent`. */
export function checkApRep(token: Uint8Array, sent: SentRequest): EstablishedContext {
  const { tokId, message } = readKrb5Token(token);
  if (tokId !== TokId.apRep) throw new Error(`Cannot accept reply: token identifier ${tokId.toString(16)}`);
  const plain = sent.sessionKey.decrypt(KeyUsage.apRepEncPart, readApRep(message).cipher);
  if (plain === undefined) throw new Error('Cannot accept reply: its key is not that of the session');
  const part = readEncApRepPart(plain);
  if (part.ctime !== sent.ctime || part.cusec !== sent.cusec)
    throw new Error('Cannot accept reply: it answers another request');
  return { part, key: part.subkey === undefined ? sent.key : importKey(part.subkey.etype, part.subkey.value) };
}

/** Reads the KRB-ERROR in an acceptor's token. */
export function readErrorToken(token: Uint8Array): KrbError {
  const { tokId, message } = readKrb5Token(token);
  if (tokId !== TokId.krbError) throw new Error(`Cannot read error: token identifier ${tokId.toString(16)}`);
  return readKrbError(message);
}

/** The client's MIC over its mechanism list. With `context`, after the acceptor's AP-REP. */
export const clientMic = (sent: SentRequest, mechListDer: Uint8Array, context?: EstablishedContext): Uint8Array =>
  micToken(context?.key ?? sent.key, mechListDer, {
    sentBy: 'initiator',
    acceptorSubkey: context?.part.subkey !== undefined,
    seq: sent.sequence >>> 0,
  });

/** Whether the acceptor's MIC over the mechanism list is good. */
export const acceptorMicIsGood = (
  mic: Uint8Array,
  sent: SentRequest,
  mechListDer: Uint8Array,
  context?: EstablishedContext,
): boolean =>
  verifyMicToken(context?.key ?? sent.key, mic, mechListDer, {
    sentBy: 'acceptor',
    acceptorSubkey: context?.part.subkey !== undefined,
    seq: (context?.part.sequenceNumber ?? sent.sequence) >>> 0,
  });
