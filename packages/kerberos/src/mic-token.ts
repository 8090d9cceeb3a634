/**
 * MIC tokens (RFC 4121, 4.2.6.1), which SPNEGO uses to protect its list of mechanisms.
 *
 * Keys of RC4 have another token format (RFC 4757, 7.2), which is not spoken here: such a MIC
 * is never taken for a good one.
 *
 * @module
 */
import { verifyChecksum } from './etypes.ts';
import type { Key } from './key.ts';
import { Etype, KeyUsage } from './numbers.ts';

/** What a MIC says besides its data (RFC 4121, 4.2.2 and 4.2.3). */
export interface MicContext {
  readonly sentBy: 'initiator' | 'acceptor';
  /** The key is the sub-key that the acceptor chose in its AP-REP. */
  readonly acceptorSubkey: boolean;
  /**
   * SND_SEQ: in the first MIC of a side, the sequence number of its authenticator or AP-REP. An acceptor that
   * sends no AP-REP counts from the initiator's number; MIT accepts that.
   */
  readonly seq: number;
}

const headerBytes = 16;
const flag = { sentByAcceptor: 0x01, acceptorSubkey: 0x04 } as const;
const usage = { initiator: KeyUsage.gssInitiatorSign, acceptor: KeyUsage.gssAcceptorSign } as const;

/** The MIC over `data`. Throws `RangeError` for an RC4 key. */
export function micToken(key: Key, data: Uint8Array, context: MicContext): Uint8Array {
  if (key.etype === Etype.rc4Hmac) throw new RangeError('Cannot make MIC token: RC4 keys use the tokens of RFC 4757');
  const header = micHeader(context);
  // RFC 4121, 4.2.4: the data first, and the header after it.
  return Buffer.concat([header, key.checksum(usage[context.sentBy], Buffer.concat([data, header]))]);
}

/** Whether `token` is exactly the MIC that this side must have made over `data`: direction, key and number included. */
export function verifyMicToken(key: Key, token: Uint8Array, data: Uint8Array, context: MicContext): boolean {
  if (key.etype === Etype.rc4Hmac) return false;
  const header = micHeader(context);
  return (
    Buffer.compare(header, token.subarray(0, headerBytes)) === 0 &&
    verifyChecksum(key, usage[context.sentBy], Buffer.concat([data, header]), token.subarray(headerBytes))
  );
}

/** TOK_ID 04 04, flags, five bytes FF, SND_SEQ in 64 bits. */
function micHeader({ sentBy, acceptorSubkey, seq }: MicContext): Uint8Array {
  const header = new Uint8Array(headerBytes).fill(0xff);
  const view = new DataView(header.buffer);
  view.setUint16(0, 0x0404);
  view.setUint8(2, (sentBy === 'acceptor' ? flag.sentByAcceptor : 0) | (acceptorSubkey ? flag.acceptorSubkey : 0));
  view.setBigUint64(8, BigInt(seq));
  return header;
}
