/**
 * Every reader of bytes that a client, a KDC, an app or a proxy can send us, and long inputs for each kind.
 *
 * @module
 */
import { PackedReader, PackedWriter } from '../../packages/gateway/src/auth/packed.ts';
import { readSids, writeSids } from '../../packages/gateway/src/auth/sid-list.ts';
import { unpackSession } from '../../packages/gateway/src/auth/session.ts';
import type { RequestLine, StatusLine } from '../../packages/http1/src/head.ts';
import { MessageReader, type ReaderEvents } from '../../packages/http1/src/message-reader.ts';
import { ProxyReader } from '../../packages/http1/src/proxy-protocol.ts';
import { FrameTracker } from '../../packages/http1/src/websocket-frames.ts';
import { encodeTlv, Tag } from '../../packages/kerberos/src/der.ts';
import { readGssChecksum } from '../../packages/kerberos/src/gss-checksum.ts';
import { readKrb5Token } from '../../packages/kerberos/src/gss.ts';
import { encodeKeytab, readKeytabFile } from '../../packages/kerberos/src/keytab-file.ts';
import { readApRep, readEncApRepPart } from '../../packages/kerberos/src/messages/ap-rep.ts';
import { readApReq } from '../../packages/kerberos/src/messages/ap-req.ts';
import { readAuthenticator } from '../../packages/kerberos/src/messages/authenticator.ts';
import {
  decodeAuthorizationData,
  encodeAuthorizationData,
} from '../../packages/kerberos/src/messages/authorization-data.ts';
import { readKrbError } from '../../packages/kerberos/src/messages/krb-error.ts';
import { principalText } from '../../packages/kerberos/src/messages/principal-name.ts';
import { readEncTicketPart } from '../../packages/kerberos/src/messages/ticket.ts';
import { decodeOid } from '../../packages/kerberos/src/oid.ts';
import { readPacBuffers } from '../../packages/kerberos/src/pac-buffers.ts';
import { readClientInfo } from '../../packages/kerberos/src/pac-client-info.ts';
import { readLogonInfo } from '../../packages/kerberos/src/pac-logon-info.ts';
import { readUpnDnsInfo } from '../../packages/kerberos/src/pac-upn-dns-info.ts';
import { sidFromBytes } from '../../packages/kerberos/src/sid.ts';
import { readInitialToken, readNegTokenResp } from '../../packages/kerberos/src/spnego.ts';
import { readAuthorization } from '../../packages/kerberos/src/ticket-authorization.ts';
import { domainX500Compress, transitAllowed } from '../../packages/kerberos/src/transited.ts';
import { decodeUtf16 } from '../../packages/kerberos/src/utf16.ts';
import { encodeLogonInfo, layOutPac } from '../../packages/kerberos/test/pac-encoder.ts';

export interface BinaryReader {
  readonly name: string;
  readonly read: (bytes: Uint8Array) => unknown;
}

const readers: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  'readInitialToken()': readInitialToken,
  'readNegTokenResp()': readNegTokenResp,
  'readKrb5Token()': readKrb5Token,
  'readApReq()': readApReq,
  'readApRep()': readApRep,
  'readEncApRepPart()': readEncApRepPart,
  'readAuthenticator()': readAuthenticator,
  'readEncTicketPart()': readEncTicketPart,
  'readKrbError()': readKrbError,
  'decodeAuthorizationData()': (bytes) => readAuthorization(decodeAuthorizationData(bytes)),
  'readGssChecksum()': readGssChecksum,
  'decodeOid()': decodeOid,
  'readPacBuffers()': readPacBuffers,
  'readClientInfo()': readClientInfo,
  'readLogonInfo()': readLogonInfo,
  'readUpnDnsInfo()': readUpnDnsInfo,
  'sidFromBytes()': sidFromBytes,
  'decodeUtf16()': decodeUtf16,
  'principalText()': (bytes) => principalText({ nameType: 1, components: [Buffer.from(bytes).toString('latin1')] }),
  'readKeytabFile()': readKeytabFile,
  'transitAllowed()': (contents) => transitAllowed({ type: domainX500Compress, contents }, 'A', 'B', []),
  'readSids()': (bytes) => readSids(new PackedReader(bytes)),
  'unpackSession()': unpackSession,
  'ProxyReader, whole': (bytes) => new ProxyReader().push(Buffer.from(bytes)),
  'ProxyReader, byte by byte': (bytes) => pushEach(bytes, new ProxyReader()),
  'FrameTracker, whole': (bytes) => new FrameTracker().push(Buffer.from(bytes)),
  'FrameTracker, byte by byte': (bytes) => pushEach(bytes, new FrameTracker()),
};

for (const [what, first] of [
  ['a request', ''],
  ['fields', 'GET / HTTP/1.1\r\nHost: a\r\n'],
  ['one value', 'GET / HTTP/1.1\r\nHost: a\r\nX: '],
  ['content', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n'],
  ['chunks', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['trailers', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n'],
  ['the next request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
] as const)
  for (const how of ['whole', 'byte by byte', 'paused'] as const)
    Object.assign(readers, {
      [`MessageReader, ${what}, ${how}`]: (bytes: Uint8Array) => readMessages(first, bytes, how),
    });

function readMessages(first: string, bytes: Uint8Array, how: 'whole' | 'byte by byte' | 'paused'): void {
  const none = (): void => {};
  const events: ReaderEvents<RequestLine | StatusLine> = {
    head: none,
    data: none,
    trailers: none,
    end: none,
    fault: none,
  };
  const reader = new MessageReader<RequestLine>('request', { headBytes: 1024 * 1024, headerCount: 100_000 }, events);
  reader.push(Buffer.from(first, 'latin1'));
  if (how === 'whole') return reader.push(Buffer.from(bytes));
  if (how === 'paused') reader.pause();
  pushEach(bytes, reader);
  reader.resume();
}

function pushEach(bytes: Uint8Array, reader: { push(chunk: Buffer): unknown }): void {
  const all = Buffer.from(bytes);
  for (let at = 0; at < all.length; at++) reader.push(all.subarray(at, at + 1));
}

/** All of them. */
export const binaryReaders: readonly BinaryReader[] = Object.entries(readers).map(([name, read]) => ({ name, read }));

/** Inputs with a structure, of about this many bytes. */
export function structures(length: number): readonly { readonly name: string; readonly bytes: Uint8Array }[] {
  const integers = (times: number): Uint8Array => Buffer.from('020100'.repeat(times), 'hex');
  const many = <T>(bytes: number, make: (nth: number) => T): T[] =>
    Array.from({ length: Math.floor(length / bytes) }, (_, i) => make(i));
  const packed = new PackedWriter();
  writeSids(
    packed,
    many(2, (i) => `S-1-5-21-1-2-3-${i * 3}`),
  );
  const domains = new PackedWriter();
  writeSids(
    domains,
    many(20, (i) => `S-1-5-21-1-2-${i}-5`),
  );
  const groups = many(8, (rid) => ({ rid: rid % 7 === 0 ? 7 : rid }));
  const logon = { accountName: 'a', domainName: 'A', domainSid: 'S-1-5-21-1-2-3', userId: 1 };
  return [
    ...[0x24, 0x30, 0x60, 0x61, 0x6e, 0xa0, 0xa1].map((tag) => ({
      name: `elements ${tag.toString(16)} within each other`,
      bytes: nested(tag, length),
    })),
    ...[0x30, 0x60, 0xa0, 0xa1].map((tag) => ({
      name: `many small elements in one ${tag.toString(16)}`,
      bytes: encodeTlv(tag, integers(length / 3)),
    })),
    { name: 'many names of mechanisms', bytes: initialToken(many(5, () => Buffer.from('06032a0304', 'hex'))) },
    {
      name: 'one long name of a mechanism',
      bytes: initialToken([encodeTlv(Tag.oid, new Uint8Array(length).fill(0x81))]),
    },
    {
      name: 'much authorization data',
      bytes: encodeAuthorizationData(many(20, () => ({ type: 1, data: new Uint8Array(2) }))),
    },
    {
      name: 'authorization data within authorization data',
      bytes: encodeAuthorizationData([
        { type: 1, data: encodeAuthorizationData(many(20, () => ({ type: 128, data: new Uint8Array(2) }))) },
      ]),
    },
    { name: 'a PAC with many buffers', bytes: layOutPac(many(24, (type) => ({ type, bytes: new Uint8Array(8) }))) },
    { name: 'a logon with many groups, some twice', bytes: encodeLogonInfo({ ...logon, groups }) },
    {
      name: 'a logon with many SIDs of other domains',
      bytes: encodeLogonInfo({ ...logon, extraSids: many(40, (i) => ({ sid: `S-1-5-21-9-9-${i}-1` })) }),
    },
    {
      name: 'a logon with a long name',
      bytes: encodeLogonInfo({ ...logon, fullName: 'x'.repeat(Math.min(length / 2, 32_000)) }),
    },
    {
      name: 'a keytab with many entries',
      bytes: encodeKeytab(
        many(60, (i) => ({
          principal: `HTTP/${i}`,
          realm: 'A',
          nameType: 1,
          timestamp: 0,
          kvno: 1,
          etype: 18,
          key: new Uint8Array(32),
        })),
      ),
    },
    { name: 'realms that grow', bytes: Buffer.from(`A${',b.'.repeat(length / 3)}`) },
    { name: 'many SIDs of one domain, packed', bytes: packed.end() },
    { name: 'SIDs of many domains, packed', bytes: domains.end() },
    {
      name: 'a PROXY header with many extensions',
      bytes: proxyHeader(Buffer.from('040000'.repeat(Math.min(length / 3, 21_000)), 'hex')),
    },
    { name: 'empty frames', bytes: Buffer.from('8180aabbccdd'.repeat(length / 6), 'hex') },
    { name: 'chunks of one byte', bytes: Buffer.from('1\r\nx\r\n'.repeat(length / 6)) },
    { name: 'small requests', bytes: Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(length / 27)) },
    { name: 'small fields', bytes: Buffer.from(`${'a:\r\n'.repeat(length / 4)}\r\n`) },
  ];
}

/** Elements within each other, with right lengths: as many as fit. */
function nested(tag: number, length: number): Uint8Array {
  const heads: Buffer[] = [];
  for (let size = 0; size < length - 4; ) {
    const head =
      size < 0x80
        ? Buffer.of(tag, size)
        : size < 0x100
          ? Buffer.of(tag, 0x81, size)
          : Buffer.of(tag, 0x82, size >> 8, size & 0xff);
    heads.push(head);
    size += head.length;
  }
  return Buffer.concat(heads.toReversed());
}

/** A NegTokenInit with this list, in the frame of a first token. */
function initialToken(mechanisms: readonly Uint8Array[]): Uint8Array {
  const list = encodeTlv(0xa0, encodeTlv(0x30, ...mechanisms));
  return encodeTlv(0x60, Buffer.from('06062b0601050502', 'hex'), encodeTlv(0xa0, encodeTlv(0x30, list)));
}

function proxyHeader(extensions: Buffer): Buffer {
  const addresses = Buffer.from('c0000207c63364010102cafe', 'hex');
  const length = addresses.length + extensions.length;
  const head = Buffer.from('0d0a0d0a000d0a515549540a2111', 'hex');
  return Buffer.concat([head, Buffer.of(length >> 8, length & 0xff), addresses, extensions]);
}
