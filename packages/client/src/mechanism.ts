/** A system's way to prove who runs this process: GSSAPI, SSPI. */
export interface Mechanism {
  /** Begins to sign on to the service `HTTP/host`. Throws `TokenError`. */
  begin(host: string): Promise<Handshake>;
}

/** One sign-on. To be closed. */
export interface Handshake {
  /** What goes to the service. */
  readonly token: Uint8Array;
  /**
   * Judges what the service has answered. Returns when it has proven who it is; throws `TokenError` when it has not, with
   * the reason where the answer is a refusal that says one.
   */
  finish(reply: Uint8Array): Promise<void>;
  close(): void;
}

/** NTLM, raw or in SPNEGO (MS-NLMP 2.2.1): a gateway takes no such token, and it means that Kerberos did not work. */
export function hasNtlm(token: Uint8Array): boolean {
  const signature = [0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0x00];
  for (let at = token.indexOf(0x4e); at >= 0; at = token.indexOf(0x4e, at + 1))
    if (signature.every((byte, i) => token[at + i] === byte)) return true;
  return false;
}
