/**
 * Writes PACs as a KDC does (MS-PAC), for tests. Times and counters that nobody reads are zero or "never".
 *
 * @module
 */
import type { Key } from '../src/key.ts';
import { KeyUsage } from '../src/numbers.ts';
import { PacType } from '../src/pac-buffers.ts';
import { sidToBytes } from '../src/sid.ts';
import { encodeUtf16 } from '../src/utf16.ts';

/** SE_GROUP_MANDATORY, ENABLED_BY_DEFAULT and ENABLED: what a domain controller says of every ordinary group. */
export const ordinaryGroup = 0x07;

export interface GroupDescription {
  readonly rid: number;
  readonly attributes?: number;
}

export interface LogonDescription {
  readonly accountName: string;
  readonly fullName?: string;
  readonly logonServer?: string;
  readonly domainName: string;
  readonly domainSid: string;
  readonly userId: number;
  /** Default: 513, Domain Users. */
  readonly primaryGroupId?: number;
  /** Groups of the account's domain; default: the primary group. */
  readonly groups?: readonly GroupDescription[];
  readonly extraSids?: readonly { readonly sid: string; readonly attributes?: number }[];
  readonly resourceGroups?: { readonly domainSid: string; readonly groups: readonly GroupDescription[] };
  /** Default: the bits that go with what is there. */
  readonly userFlags?: number;
}

export interface UpnDnsDescription {
  readonly upn: string;
  readonly dnsDomain: string;
  /** With these two the extended form is written. */
  readonly samName?: string;
  readonly sid?: string;
}

export interface PacDescription {
  /** The ticket's client name, without realm. */
  readonly clientName: string;
  /** The ticket's authtime, in ms since the epoch. */
  readonly authTime: number;
  readonly logon?: LogonDescription;
  readonly upnDns?: UpnDnsDescription;
  /** What a TICKET checksum covers: the DER of EncTicketPart with the PAC replaced by one zero byte (MS-PAC 2.8.3). */
  readonly ticketChecksumOver?: Uint8Array;
  /** Add a FULL checksum (MS-PAC 2.8.4). */
  readonly fullChecksum?: boolean;
  /** Added to the server's and the KDC's signature, as a read-only domain controller does. */
  readonly rodcIdentifier?: number;
  /** Further buffers of any type, before the signatures. */
  readonly others?: readonly RawBuffer[];
}

export interface RawBuffer {
  readonly type: number;
  readonly bytes: Uint8Array;
}

export interface PacKeys {
  readonly server: Key;
  readonly kdc: Key;
}

/** A whole signed PAC. */
export function encodePac(description: PacDescription, keys: PacKeys): Uint8Array {
  const { logon, upnDns, ticketChecksumOver, others = [] } = description;
  const buffers: RawBuffer[] = [];
  if (logon) buffers.push({ type: PacType.logonInfo, bytes: encodeLogonInfo(logon) });
  buffers.push({ type: PacType.clientInfo, bytes: encodeClientInfo(description.clientName, description.authTime) });
  if (upnDns) buffers.push({ type: PacType.upnDnsInfo, bytes: encodeUpnDnsInfo(upnDns) });
  buffers.push(...others);
  if (ticketChecksumOver) {
    const signature = keys.kdc.checksum(KeyUsage.pacSignature, ticketChecksumOver);
    buffers.push({ type: PacType.ticketChecksum, bytes: signatureData(keys.kdc.checksumType, signature) });
  }
  return signPac(buffers, keys, description);
}

/** Puts any buffers into a PAC, appends the signatures and makes them true. */
export function signPac(
  buffers: readonly RawBuffer[],
  keys: PacKeys,
  options: { readonly rodcIdentifier?: number; readonly fullChecksum?: boolean } = {},
): Uint8Array {
  const empty = (type: number, key: Key, rodc?: number): RawBuffer => ({
    type,
    bytes: signatureData(key.checksumType, new Uint8Array(key.checksumBytes), rodc),
  });
  const pac = layOutPac([
    ...buffers,
    empty(PacType.serverChecksum, keys.server, options.rodcIdentifier),
    empty(PacType.kdcChecksum, keys.kdc, options.rodcIdentifier),
    ...(options.fullChecksum ? [empty(PacType.fullChecksum, keys.kdc)] : []),
  ]);
  // MS-PAC 2.8: FULL over all three zero, then SERVER over itself and KDC zero, then KDC over SERVER.
  if (options.fullChecksum) writeSignature(pac, PacType.fullChecksum, keys.kdc.checksum(KeyUsage.pacSignature, pac));
  const serverSignature = keys.server.checksum(KeyUsage.pacSignature, pac);
  writeSignature(pac, PacType.serverChecksum, serverSignature);
  writeSignature(pac, PacType.kdcChecksum, keys.kdc.checksum(KeyUsage.pacSignature, serverSignature));
  return pac;
}

/** PACTYPE (MS-PAC 2.3): directory and buffers, each on a multiple of eight bytes. */
export function layOutPac(buffers: readonly RawBuffer[]): Uint8Array {
  const directory = Buffer.alloc(8 + 16 * buffers.length);
  directory.writeUInt32LE(buffers.length, 0);
  const parts: Uint8Array[] = [directory];
  let offset = directory.length;
  for (const [i, { type, bytes }] of buffers.entries()) {
    directory.writeUInt32LE(type, 8 + 16 * i);
    directory.writeUInt32LE(bytes.length, 12 + 16 * i);
    directory.writeUInt32LE(offset, 16 + 16 * i);
    const padding = new Uint8Array(-bytes.length & 7);
    parts.push(bytes, padding);
    offset += bytes.length + padding.length;
  }
  return Uint8Array.from(Buffer.concat(parts));
}

/** Where the buffer of this type begins and how long it is; throws when the PAC has none. */
export function findBuffer(pac: Uint8Array, type: number): { readonly offset: number; readonly length: number } {
  const view = new DataView(pac.buffer, pac.byteOffset, pac.length);
  for (let at = 8; at < 8 + 16 * view.getUint32(0, true); at += 16) {
    if (view.getUint32(at, true) !== type) continue;
    return { offset: view.getUint32(at + 8, true), length: view.getUint32(at + 4, true) };
  }
  throw new RangeError(`Cannot find PAC buffer ${type}`);
}

function writeSignature(pac: Uint8Array, type: number, signature: Uint8Array): void {
  pac.set(signature, findBuffer(pac, type).offset + 4);
}

function signatureData(type: number, signature: Uint8Array, rodcIdentifier?: number): Uint8Array {
  return new Writer()
    .u32(type)
    .raw(signature)
    .raw(rodcIdentifier === undefined ? new Uint8Array() : new Writer().u16(rodcIdentifier).done())
    .done();
}

/** PAC_CLIENT_INFO (MS-PAC 2.7). */
export function encodeClientInfo(name: string, authTime: number): Uint8Array {
  const text = encodeUtf16(name);
  return new Writer().fileTime(authTime).u16(text.length).raw(text).done();
}

/** UPN_DNS_INFO (MS-PAC 2.10), strings on multiples of eight bytes as Windows puts them. */
export function encodeUpnDnsInfo({ upn, dnsDomain, samName, sid }: UpnDnsDescription): Uint8Array {
  const isExtended = samName !== undefined && sid !== undefined;
  const values = [encodeUtf16(upn), encodeUtf16(dnsDomain)];
  if (isExtended) values.push(encodeUtf16(samName), sidToBytes(sid));
  const head = new Writer();
  const body = new Writer();
  const bodyStart = isExtended ? 24 : 16;
  for (const [i, value] of values.entries()) {
    head.u16(value.length).u16(bodyStart + body.length);
    if (i === 1) head.u32(isExtended ? 2 : 0);
    body.raw(value).align(8);
  }
  return head.align(8).raw(body.done()).done();
}

/** KERB_VALIDATION_INFO (MS-PAC 2.5) in NDR type serialization version 1 (MS-RPCE 2.2.6). */
export function encodeLogonInfo(logon: LogonDescription): Uint8Array {
  const { primaryGroupId = 513, extraSids = [], resourceGroups } = logon;
  const groups = logon.groups ?? [{ rid: primaryGroupId }];
  const flags = (extraSids.length > 0 ? 0x20 : 0) | (resourceGroups ? 0x200 : 0);
  const fixed = new Writer();
  const deferred = new Writer();
  let referent = 0x20000;
  const nextReferent = (): number => {
    referent += 4;
    return referent;
  };
  const string = (text: string): void => {
    const bytes = encodeUtf16(text);
    fixed.u16(bytes.length).u16(bytes.length).u32(nextReferent());
    const units = bytes.length / 2;
    deferred.align(4).u32(units).u32(0).u32(units).raw(bytes);
  };
  const groupList = (list: readonly GroupDescription[] | undefined): void => {
    fixed.u32(list?.length ?? 0).u32(list ? nextReferent() : 0);
    if (!list) return;
    deferred.align(4).u32(list.length);
    for (const { rid, attributes = ordinaryGroup } of list) deferred.u32(rid).u32(attributes);
  };
  const sid = (text: string): void => {
    const bytes = sidToBytes(text);
    deferred
      .align(4)
      .u32((bytes.length - 8) / 4)
      .raw(bytes);
  };

  fixed.u32(0x20000).fileTime(0).never().never().fileTime(0).fileTime(0).never();
  for (const text of [logon.accountName, logon.fullName ?? '', '', '', '', '']) string(text);
  fixed.u16(0).u16(0).u32(logon.userId).u32(primaryGroupId);
  groupList(groups);
  fixed.u32(logon.userFlags ?? flags).raw(new Uint8Array(16));
  string(logon.logonServer ?? 'DC1');
  string(logon.domainName);
  fixed.u32(nextReferent());
  sid(logon.domainSid);
  fixed.raw(new Uint8Array(8)).u32(0x10).u32(0).raw(new Uint8Array(24));
  fixed.u32(extraSids.length).u32(extraSids.length > 0 ? nextReferent() : 0);
  if (extraSids.length > 0) {
    deferred.align(4).u32(extraSids.length);
    for (const { attributes = ordinaryGroup } of extraSids) deferred.u32(nextReferent()).u32(attributes);
    for (const extra of extraSids) sid(extra.sid);
  }
  fixed.u32(resourceGroups ? nextReferent() : 0);
  if (resourceGroups) sid(resourceGroups.domainSid);
  groupList(resourceGroups?.groups);

  const body = fixed.raw(deferred.done()).align(8).done();
  return new Writer().u32(0x00081001).u32(0xcccccccc).u32(body.length).u32(0).raw(body).done();
}

/** Appends little-endian values. */
class Writer {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  u16(value: number): this {
    this.#bytes.push(value & 0xff, (value >> 8) & 0xff);
    return this;
  }

  u32(value: number): this {
    return this.u16(value & 0xffff).u16(value >>> 16);
  }

  raw(bytes: Uint8Array): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  /** FILETIME: units of 100 ns since 1601. */
  fileTime(ms: number): this {
    const ticks = BigInt(ms) * 10_000n + 116_444_736_000_000_000n;
    return this.u32(Number(ticks & 0xffffffffn)).u32(Number(ticks >> 32n));
  }

  never(): this {
    return this.u32(0xffffffff).u32(0x7fffffff);
  }

  align(to: number): this {
    while (this.#bytes.length % to !== 0) this.#bytes.push(0);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
