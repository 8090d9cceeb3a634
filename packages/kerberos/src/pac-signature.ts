/**
 * The server checksum of a PAC (MS-PAC 2.8): the KDC's word for all the rest of it, keyed with the service's own key.
 *
 * @module
 */
import { verifyChecksum } from './etypes.ts';
import type { Key } from './key.ts';
import { ChecksumType, KeyUsage } from './numbers.ts';
import { type PacBuffer, PacError, PacType } from './pac-buffers.ts';

/**
 * Bytes of each signature type. The KDC signs with a key of its own, so its type need not be one
 * that we compute: 17 and 18 are Camellia's (RFC 6803).
 */
const signatureBytes: ReadonlyMap<number, number> = new Map([
  [ChecksumType.hmacSha196Aes128, 12],
  [ChecksumType.hmacSha196Aes256, 12],
  [17, 16],
  [18, 16],
  [ChecksumType.hmacSha256128Aes128, 16],
  [ChecksumType.hmacSha384192Aes256, 24],
  [ChecksumType.hmacMd5, 16],
]);

const typeBytes = 4;
const rodcIdentifierBytes = 2;

/**
 * Whether the PAC's server checksum is right: computed over the whole PAC with the signatures of server and
 * KDC set to zero (MS-PAC 2.8.1), of the type that belongs to `serverKey`. Throws `PacError` when either
 * signature is missing or malformed. Interprets no other buffer.
 */
export function verifyServerChecksum(
  pac: Uint8Array,
  buffers: ReadonlyMap<number, PacBuffer>,
  serverKey: Key,
): boolean {
  const server = findSignature(buffers, PacType.serverChecksum, 'server');
  const kdc = findSignature(buffers, PacType.kdcChecksum, 'KDC');
  // Otherwise whoever made the PAC could choose a weaker checksum than the key's own.
  if (server.type !== serverKey.checksumType) return false;
  const unsigned = Uint8Array.from(pac);
  for (const { offset, signature } of [server, kdc]) unsigned.fill(0, offset, offset + signature.length);
  return verifyChecksum(serverKey, KeyUsage.pacSignature, unsigned, server.signature);
}

/** PAC_SIGNATURE_DATA: type, signature, and an RODCIdentifier when a read-only domain controller signed. */
function findSignature(buffers: ReadonlyMap<number, PacBuffer>, bufferType: number, name: string) {
  const buffer = buffers.get(bufferType);
  if (buffer === undefined) throw new PacError(`the PAC has no ${name} checksum`);
  const { bytes, offset } = buffer;
  if (bytes.length < typeBytes) throw new PacError(`the ${name} checksum is cut short`);
  const type = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  const length = signatureBytes.get(type);
  if (length === undefined) throw new PacError(`the ${name} checksum is of type ${type}, which is not known here`);
  const extra = bytes.length - typeBytes - length;
  if (extra !== 0 && extra !== rodcIdentifierBytes) throw new PacError(`the ${name} checksum has a wrong length`);
  return { type, offset: offset + typeBytes, signature: bytes.subarray(typeBytes, typeBytes + length) };
}
