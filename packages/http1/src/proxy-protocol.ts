/**
 * The PROXY protocol (haproxy.org, `proxy-protocol.txt`), versions 1 and 2, as a receiver of TCP connections: a load
 * balancer says in front of everything else for whom it has connected. Only peers that are configured to send it may be
 * read like this, and from them it must come: whoever writes it chooses the address it names.
 *
 * @module
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { crc32c } from './crc32c.ts';

export type ProxyHeader =
  /** The client's address, in the spelling that a socket would give; IPv4-mapped IPv6 is written as IPv4. */
  | { readonly kind: 'proxied'; readonly address: string; readonly port: number }
  /** The peer speaks for itself (a health check), or does not know for whom it speaks. */
  | { readonly kind: 'local' };

export type ProxyFault =
  | 'signature'
  | 'too-long'
  | 'line-malformed'
  | 'address-malformed'
  | 'version'
  | 'command'
  | 'family-not-served'
  | 'length'
  | 'extension-malformed'
  | 'checksum';

export type ProxyRead =
  | { readonly kind: 'more' }
  | { readonly kind: 'malformed'; readonly reason: ProxyFault }
  /** `rest` is what came behind it: the first bytes of TLS or HTTP. */
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly rest: Buffer };

const MORE: ProxyRead = { kind: 'more' };
const V1 = Buffer.from('PROXY ', 'latin1');
const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** The longest line of version 1, its end included (2.1). */
const V1_MAX = 107;
/** Signature, version and command, family and protocol, length (2.2). */
const V2_FIXED = 16;
/** Version 2 could have 64 KiB behind these; what is sent are addresses and a few hundred bytes of extensions. */
const V2_MAX = 4_096;
const LF = 0x0a;

/** Reads one header from the beginning of a connection. It must have come completely within its connection's time for a head. */
export class ProxyReader {
  #come: Buffer | undefined;

  /** Takes what has come, wherever it was split. Not to be called after anything else than `more`. */
  push(chunk: Buffer): ProxyRead {
    const bytes = this.#come === undefined ? chunk : Buffer.concat([this.#come, chunk]);
    const read = readProxyHeader(bytes);
    // A copy: what a socket has read may lie in a buffer that is read into again.
    this.#come = read.kind === 'more' ? Buffer.from(bytes) : undefined;
    return read;
  }
}

/** Reads the header that these bytes begin with. The result depends on no byte behind it. */
export function readProxyHeader(bytes: Buffer): ProxyRead {
  if (startsLike(bytes, V1)) return readText(bytes);
  if (startsLike(bytes, V2)) return readBinary(bytes);
  return malformed('signature');
}

/** `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443` and CRLF (2.1). */
function readText(bytes: Buffer): ProxyRead {
  const end = bytes.subarray(0, V1_MAX).indexOf(LF);
  if (end < 0) return bytes.length < V1_MAX ? MORE : malformed('too-long');
  const line = bytes.toString('latin1', 0, end + 1);
  if (!/^[\x20-\x7e]+\r\n$/.test(line)) return malformed('line-malformed');
  const words = line.slice(0, -2).split(' ');
  const rest = bytes.subarray(end + 1);
  const [, family, source, destination, sourcePort, destinationPort] = words;
  // Whatever follows this word is to be ignored.
  if (family === 'UNKNOWN') return { kind: 'header', header: { kind: 'local' }, rest };
  if (family !== 'TCP4' && family !== 'TCP6') return malformed('line-malformed');
  if (words.length !== 6 || !isPort(sourcePort) || !isPort(destinationPort)) return malformed('line-malformed');
  const address = family === 'TCP4' ? addressV4(source) : addressV6(source);
  const other = family === 'TCP4' ? addressV4(destination) : addressV6(destination);
  if (address === undefined || other === undefined) return malformed('address-malformed');
  return { kind: 'header', header: { kind: 'proxied', address, port: Number(sourcePort) }, rest };
}

function readBinary(bytes: Buffer): ProxyRead {
  // Judged as soon as they are there: nobody waits for more of what is wrong already.
  const versionAndCommand = bytes[12] ?? 0x21;
  if (versionAndCommand >> 4 !== 2) return malformed('version');
  if (versionAndCommand !== 0x20 && versionAndCommand !== 0x21) return malformed('command');
  const local = versionAndCommand === 0x20;
  const family = bytes[13] ?? 0;
  const addressBytes = local ? 0 : ADDRESS_BYTES[family];
  if (addressBytes === undefined) return malformed('family-not-served');
  if (bytes.length < V2_FIXED) return MORE;
  const end = V2_FIXED + bytes.readUInt16BE(14);
  if (end > V2_MAX) return malformed('too-long');
  if (end < V2_FIXED + addressBytes) return malformed('length');
  if (bytes.length < end) return MORE;
  const rest = bytes.subarray(end);
  // What a LOCAL header has behind its length is to be skipped, whatever it is; so is an address of an unknown kind.
  if (local || family === UNSPECIFIED) return { kind: 'header', header: { kind: 'local' }, rest };
  const fault = checkExtensions(bytes.subarray(0, end), V2_FIXED + addressBytes);
  if (fault !== undefined) return malformed(fault);
  const size = (addressBytes - 4) / 2;
  const source = bytes.subarray(V2_FIXED, V2_FIXED + size);
  const port = bytes.readUInt16BE(V2_FIXED + 2 * size);
  const address = size === 4 ? source.join('.') : addressV6(groups(source));
  if (address === undefined) return malformed('address-malformed');
  return { kind: 'header', header: { kind: 'proxied', address, port }, rest };
}

/** Unspecified, TCP over IPv4 and over IPv6: two addresses and two ports. Datagrams and Unix sockets do not come here over TCP. */
const UNSPECIFIED = 0x00;
const ADDRESS_BYTES: Readonly<Record<number, number>> = { [UNSPECIFIED]: 0, 0x11: 12, 0x21: 36 };

/** Type of the checksum over the whole header (2.2.4). */
const CRC32C = 0x03;

/** Extensions are skipped, but must fill their place exactly; a checksum among them must be right, and be one. */
function checkExtensions(header: Buffer, from: number): ProxyFault | undefined {
  let checksumAt: number | undefined;
  let at = from;
  while (at < header.length) {
    if (header.length - at < 3) return 'extension-malformed';
    const length = header.readUInt16BE(at + 1);
    const value = at + 3;
    if (length > header.length - value) return 'extension-malformed';
    if (header[at] === CRC32C) {
      if (length !== 4 || checksumAt !== undefined) return 'extension-malformed';
      checksumAt = value;
    }
    at = value + length;
  }
  if (checksumAt === undefined) return undefined;
  const zeroed = Buffer.from(header).fill(0, checksumAt, checksumAt + 4);
  return crc32c(zeroed) === header.readUInt32BE(checksumAt) ? undefined : 'checksum';
}

function addressV4(text = ''): string | undefined {
  return isIPv4(text) ? text : undefined;
}

function addressV6(text = ''): string | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

function groups(address: Buffer): string {
  const words = Array.from({ length: 8 }, (_, i) => address.readUInt16BE(2 * i).toString(16));
  return words.join(':');
}

function isPort(text = ''): boolean {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** As far as both go. */
function startsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, length, 0, length) === 0;
}

function malformed(reason: ProxyFault): ProxyRead {
  return { kind: 'malformed', reason };
}
