import { hash } from 'node:crypto';

/** What makes an authenticator that one and no other. All of it is protected by a key that a listener does not have. */
export interface ReplayIdentity {
  readonly clientRealm: string;
  readonly client: string;
  /** The ticket's ciphertext. It stands for the server, see below. */
  readonly ticketCipher: Uint8Array;
  readonly ctime: number;
  readonly cusec: number;
  readonly authenticatorCipher: Uint8Array;
}

/**
 * The replay cache's key for one authenticator (RFC 4120, 3.2.3: client, server, time, microseconds), as text.
 *
 * Whoever records a token can re-encode everything around the two ciphertexts: key version, options, name type, and
 * the server's *name*, which a ticket carries in the clear. One AD account often has several service names with one
 * key, so a key made from that name would let each token in once per name. The ticket's ciphertext says the same thing,
 * "for this server", and cannot be altered.
 */
export function replayKey(identity: ReplayIdentity): string {
  const times = new Uint8Array(12);
  const view = new DataView(times.buffer);
  view.setFloat64(0, identity.ctime);
  view.setUint32(8, identity.cusec);
  const parts = [
    Buffer.from(identity.clientRealm),
    Buffer.from(identity.client),
    identity.ticketCipher,
    times,
    identity.authenticatorCipher,
  ];
  // Each part follows its length, or two different lists of parts could be one string of bytes.
  const framed: Uint8Array[] = [];
  for (const part of parts) {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, part.length);
    framed.push(length, part);
  }
  return hash('sha256', Buffer.concat(framed), 'base64url');
}
