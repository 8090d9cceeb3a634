/**
 * A Kerberos key, ready to use, whatever its encryption type.
 *
 * The bytes stay inside: nothing that prints or serialises a Key shows them.
 */
export interface Key {
  readonly etype: number;
  /** The keyed checksum that belongs to the encryption type (RFC 3961, 3: "required checksum mechanism"). */
  readonly checksumType: number;
  readonly checksumBytes: number;
  /**
   * The plaintext, or `undefined` when the integrity check fails or the input is too short to carry one.
   * Never throws for anything that a peer can send.
   */
  decrypt(usage: number, cipher: Uint8Array): Uint8Array | undefined;
  encrypt(usage: number, plain: Uint8Array): Uint8Array;
  /** To check a peer's checksum use `verifyChecksum`, which takes constant time. */
  checksum(usage: number, data: Uint8Array): Uint8Array;
}

/** The sizes and numbers that one encryption type's algorithms need, resolved by the table in `etypes.ts`. */
export interface KeyProfile {
  readonly etype: number;
  readonly name: string;
  readonly keyBytes: number;
  readonly checksumType: number;
  readonly checksumBytes: number;
}
