/**
 * Channel bindings: what ties a Kerberos token to one TLS connection (RFC 5056), as the token
 * carries them (RFC 4121, 4.1.1.2).
 *
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto';

const prefix = Buffer.from('tls-server-end-point:', 'latin1');

/** The application data of `tls-server-end-point` (RFC 5929, 4): the prefix and the hash of the server's certificate. */
export const tlsServerEndPoint = (certificateHash: Uint8Array): Uint8Array => Buffer.concat([prefix, certificateHash]);

/**
 * Bnd: MD5 over the bindings structure of RFC 2744, 3.11, with numbers little-endian, both address
 * types 0 and both addresses empty (RFC 4121, 4.1.1.2).
 *
 * MD5 is not ours to choose. That it has collisions does not help here: an attacker would need a
 * certificate for a *given* hash.
 */
export function channelBindingHash(applicationData: Uint8Array): Uint8Array {
  const header = Buffer.alloc(20); // two pairs of address type and length, all zero, and the length below
  header.writeUInt32LE(applicationData.length, 16);
  return createHash('md5').update(header).update(applicationData).digest();
}

/** Whether Bnd says that the client sent no channel bindings: 16 zero bytes (RFC 4121, 4.1.1.2). */
export const noChannelBindings = (bindings: Uint8Array): boolean => bindings.every((byte) => byte === 0);

/** Whether Bnd is the one for these application data, compared in constant time. */
export function sameChannelBindings(bindings: Uint8Array, applicationData: Uint8Array): boolean {
  const expected = channelBindingHash(applicationData);
  return bindings.length === expected.length && timingSafeEqual(bindings, expected);
}
