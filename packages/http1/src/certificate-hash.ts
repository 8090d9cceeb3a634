/**
 * The hash of a certificate for the channel binding `tls-server-end-point`.
 *
 * @module
 */
import { createHash } from 'node:crypto';

/** The hash that each signature algorithm is made with, by the algorithm's object identifier (DER, hexadecimal). */
const SIGNATURE_HASH: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'md5',
  '2a864886f70d010105': 'sha1',
  '2a864886f70d01010e': 'sha224',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d0401': 'sha1',
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};
const RSASSA_PSS = '2a864886f70d01010a';

const HASH: Readonly<Record<string, string>> = {
  '2b0e03021a': 'sha1',
  '608648016503040204': 'sha224',
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
};

const SEQUENCE = 0x30;
const OBJECT_IDENTIFIER = 0x06;
const CONTEXT_0 = 0xa0;

/**
 * The hash of the whole certificate, made with the hash of its signature algorithm, or with SHA-256 where that is MD5
 * or SHA-1 (RFC 5929, 4.1). `undefined` for an algorithm that has no single hash (Ed25519), for which the RFC defines none.
 */
export function certificateHash(der: Uint8Array): Uint8Array | undefined {
  const name = signatureHash(der);
  if (name === undefined) return undefined;
  return createHash(name === 'md5' || name === 'sha1' ? 'sha256' : name)
    .update(der)
    .digest();
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OID, parameters }, signature } (RFC 5280, 4.1) */
function signatureHash(der: Uint8Array): string | undefined {
  const certificate = element(der, 0, SEQUENCE);
  const signed = element(certificate.content, 0, SEQUENCE);
  const algorithm = element(certificate.content, signed.end, SEQUENCE);
  const identifier = element(algorithm.content, 0, OBJECT_IDENTIFIER);
  const oid = hex(identifier.content);
  if (oid !== RSASSA_PSS) return SIGNATURE_HASH[oid];

  // RSASSA-PSS-params names its hash in [0]; the default is SHA-1 (RFC 4055, 3.1).
  const params = element(algorithm.content, identifier.end, SEQUENCE);
  if (params.content[0] !== CONTEXT_0) return 'sha1';
  const hash = element(element(params.content, 0, CONTEXT_0).content, 0, SEQUENCE);
  return HASH[hex(element(hash.content, 0, OBJECT_IDENTIFIER).content)];
}

/** One DER element of a certificate that OpenSSL has already accepted. */
function element(bytes: Uint8Array, at: number, tag: number): { readonly content: Uint8Array; readonly end: number } {
  if (bytes[at] !== tag) throw new SyntaxError('Cannot read certificate: unexpected element');
  let length = bytes[at + 1] ?? 0;
  let start = at + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    length = Number.parseInt(hex(bytes.subarray(start, start + count)), 16);
    start += count;
  }
  const end = start + length;
  if (!(end <= bytes.length)) throw new SyntaxError('Cannot read certificate: element beyond its end');
  return { content: bytes.subarray(start, end), end };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
